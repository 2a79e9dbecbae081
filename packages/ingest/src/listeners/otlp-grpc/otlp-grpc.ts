/**
 * The listener `otlp-grpc`: OpenTelemetry's logs over gRPC, on a port of its own. The credential is in the metadata of each call and is
 * judged before the message is read; OK means on disk. Refusals say whether and when to come again. Reading requests is in `otlp/`, the
 * service in `logs-service.ts`. Source: OTLP 1.x, "OTLP/gRPC".
 */
import { logVerbosity, Server, ServerCredentials, setLogVerbosity } from '@grpc/grpc-js';
import { bytes, count, flag, port, type SettingsOf, settings, text } from '@tocsin/core/setting';
import { type Listener, type ListenerContext, listenerKind } from '../listener.ts';
import { cannotOpen, listenerTls, readListenerTls } from '../tls-settings.ts';
import { callGuard } from './call-guard.ts';
import { logsService, takeLogs } from './logs-service.ts';

const otlpGrpcSettings = settings({
  about: 'OpenTelemetry logs over gRPC. The token of a source comes with each call as metadata: `authorization: Bearer TOKEN`.',
  fields: {
    host: text({ about: 'Address to listen on. Anything but loopback needs TLS or `insecure`.', default: '127.0.0.1', example: '0.0.0.0' }),
    port: port({ about: 'TCP port; 0 takes any free one.', default: 4317 }),
    tls: listenerTls,
    insecure: flag({ about: 'Listen beyond loopback without TLS: tokens and logs travel in the clear.', default: false }),
    maxMessageBytes: bytes({ about: 'Largest request, after decompression.', default: '16MiB', min: 1024, max: 256 * 1024 * 1024 }),
    maxInFlightBytes: bytes({
      about: 'Requests held in memory at once. Beyond it calls are answered RESOURCE_EXHAUSTED.',
      default: '64MiB',
    }),
    maxConcurrentCalls: count({ about: 'Calls at once over one connection.', default: 32, min: 1, max: 1000 }),
  },
  rules: [
    {
      name: 'no clear text beyond loopback',
      breach: (value: { host: string; insecure: boolean; tls: { cert?: string | undefined } }) =>
        value.insecure || value.tls.cert !== undefined || LOOPBACK.test(value.host)
          ? undefined
          : `listening on ${value.host} needs a certificate and key (tls.cert, tls.key), or insecure: true to do without`,
    },
  ],
});

const LOOPBACK = /^(localhost|::1|127(\.\d{1,3}){3})$/;
/** A connection over which nothing was asked for this long is closed; a dead peer is found within the other two. Milliseconds. */
const IDLE_MS = 300_000;
const PING_MS = 60_000;
const PING_WITHIN_MS = 20_000;
/** How long calls under way may take when the listener closes, milliseconds. */
const CLOSE_WITHIN_MS = 8000;

/** OpenTelemetry logs over gRPC. */
export const otlpGrpc = listenerKind({ kind: 'otlp-grpc', settings: otlpGrpcSettings, open });

async function open(given: SettingsOf<typeof otlpGrpcSettings>, context: ListenerContext): Promise<Listener> {
  const { host } = given;
  const asked = `${host.includes(':') ? `[${host}]` : host}:${given.port}`;
  const where = { name: context.name, address: `grpc://${asked}` };
  const { cert, key, ca } = await readListenerTls(given.tls, where);
  // What goes wrong is answered, counted or thrown here; the library would also write it to standard error in a form of its own.
  setLogVerbosity(logVerbosity.NONE);
  const guard = callGuard(context);
  const server = new Server({
    interceptors: [guard.interceptor],
    'grpc.max_receive_message_length': given.maxMessageBytes,
    'grpc.max_concurrent_streams': given.maxConcurrentCalls,
    'grpc.max_connection_idle_ms': IDLE_MS,
    'grpc.keepalive_time_ms': PING_MS,
    'grpc.keepalive_timeout_ms': PING_WITHIN_MS,
  });
  server.addService(logsService, { Export: takeLogs({ context, guard, maxInFlightBytes: given.maxInFlightBytes }) });
  const credentials =
    cert && key
      ? ServerCredentials.createSsl(
          (ca as Buffer | undefined) ?? null,
          [{ cert_chain: cert as Buffer, private_key: key as Buffer }],
          ca !== undefined,
        )
      : ServerCredentials.createInsecure();
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(asked, credentials, (error, found) => {
      if (error) reject(cannotOpen(where, error.message, error));
      else resolve(found);
    });
  });
  return {
    address: `${cert ? 'grpcs' : 'grpc'}://${asked.slice(0, asked.lastIndexOf(':'))}:${bound}`,
    [Symbol.asyncDispose]: () => close(server),
  };
}

/** Calls under way are finished, those that take longer are cut off. */
async function close(server: Server): Promise<void> {
  const timer = setTimeout(() => server.forceShutdown(), CLOSE_WITHIN_MS);
  await new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
  clearTimeout(timer);
}
