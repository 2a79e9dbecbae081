/**
 * The listener `otlp-grpc`: OpenTelemetry's logs over gRPC, on a port of its own. The credential is in the metadata of each call and is
 * judged before the message is read; OK means on disk. Refusals say whether and when to come again. Reading requests is in `otlp/`, the
 * service in `logs-service.ts`, opening one in `open-otlp-grpc.ts`. Source: OTLP 1.x, "OTLP/gRPC".
 */
import { bytes, count, flag, port, type SettingsOf, settings, text } from '@tocsin/core/setting';
import { listenerKind } from '../listener.ts';
import { listenerTls } from '../tls-settings.ts';

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
/** Settings of one such listener. */
export type OtlpGrpcSettings = SettingsOf<typeof otlpGrpcSettings>;

/** OpenTelemetry logs over gRPC. */
export const otlpGrpc = listenerKind({
  kind: 'otlp-grpc',
  settings: otlpGrpcSettings,
  // Read when there is such a listener only: its library takes a tenth of a second to load.
  open: async (given, context) => (await import('./open-otlp-grpc.ts')).openOtlpGrpc(given, context),
});
