/** Opens a listener for OpenTelemetry's logs over gRPC; its settings are in `otlp-grpc.ts`. */
import { logVerbosity, Server, ServerCredentials, setLogVerbosity } from '@grpc/grpc-js';
import type { Listener, ListenerContext } from '../listener.ts';
import { cannotOpen, readListenerTls } from '../tls-settings.ts';
import { callGuard } from './call-guard.ts';
import { logsService, takeLogs } from './logs-service.ts';
import type { OtlpGrpcSettings } from './otlp-grpc.ts';

/** A connection over which nothing was asked for this long is closed; a dead peer is found within the other two. Milliseconds. */
const IDLE_MS = 300_000;
const PING_MS = 60_000;
const PING_WITHIN_MS = 20_000;
/** How long calls under way may take when the listener closes, milliseconds. */
const CLOSE_WITHIN_MS = 8000;

/** Resolves when calls are answered. @throws listener.cannot_open */
export async function openOtlpGrpc(given: OtlpGrpcSettings, context: ListenerContext): Promise<Listener> {
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
