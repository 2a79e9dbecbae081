/** `tocsin up`: starts the installation in the foreground. */
import type { Command } from '../command.ts';
import { serve, serveOptions, untilInterrupted } from '../serve.ts';

export const up: Command = {
  name: 'up',
  summary: 'start the installation here; it runs until Ctrl-C',
  options: serveOptions,
  examples: [
    'tocsin up',
    'tocsin up --port 8080 --data /var/lib/tocsin',
    'tocsin up --host 0.0.0.0 --tls-cert tls.crt --tls-key tls.key',
    'tocsin up --rules ./my-rules ./sigma/rules',
    'tocsin up --bus nats://nats1:4222 nats://nats2:4222 --bus-replicas 3 --duties ingest,api,store',
    'tocsin up --bus tls://nats.example:4222 --bus-creds bus.creds --duties match,correlate --data /var/lib/tocsin-worker',
  ],
  outlivesOutput: true,
  run: (context, _, options) =>
    serve(context, options, async () => {
      await untilInterrupted(context.interrupted);
      return 0;
    }),
};
