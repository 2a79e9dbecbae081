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
  ],
  outlivesOutput: true,
  run: (context, _, options) =>
    serve(context, options, async () => {
      await untilInterrupted(context.interrupted);
      return 0;
    }),
};
