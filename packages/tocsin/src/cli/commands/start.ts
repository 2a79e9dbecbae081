/** `tocsin start`: what `npm start` runs. The installation, and on its first run the demo. */
import { type Command, type CommandContext, type GivenOptions, numberOption, textOption } from '../command.ts';
import { isDemoOwed, oweDemo, settleDemo } from '../demo/pending-demo.ts';
import { printDemo } from '../demo/print-demo.ts';
import { runDemo } from '../demo/run-demo.ts';
import { type Serving, serve, serveOptions, untilInterrupted } from '../serve.ts';
import { shippedFolder } from '../shipped-folder.ts';

const DEMO_SECONDS = 12;
/** Exit code of a demo in which something expected was missing or something else was found. */
const EXIT_DIFFERS = 1;

export const start: Command = {
  name: 'start',
  summary: 'start the installation and, on its first run, show it recorded attacks',
  options: [
    ...serveOptions,
    { flags: '--demo', about: 'show the recorded attacks whether or not it is the first run' },
    { flags: '--once', about: 'end after the demo: exit code 0 only if every expected alert was found exactly once' },
    { flags: '--recordings <dir>', about: 'folder of the recorded attacks (default: examples/attacks)' },
    { flags: '--demo-seconds <seconds>', about: `how long sending the recordings takes (default: ${DEMO_SECONDS})` },
  ],
  examples: ['tocsin start', 'tocsin start --demo --demo-seconds 60', 'tocsin start --once --json'],
  outlivesOutput: true,
  run: (context, _, options) => serve(context, options, (serving) => runStart(context, options, serving)),
};

async function runStart(context: CommandContext, options: GivenOptions, { api, installation }: Serving): Promise<number> {
  const { terminal, dataDir, interrupted } = context;
  const once = options['once'] === true;
  if (installation.firstRun) await oweDemo(dataDir);
  if (options['demo'] === true || once || (await isDemoOwed(dataDir))) {
    const outcome = await runDemo({
      api,
      dataDir,
      terminal,
      signal: interrupted,
      folder: textOption(options, 'recordings') ?? shippedFolder('examples/attacks'),
      seconds: numberOption(options, 'demo-seconds', { min: 0, max: 86_400 }) ?? DEMO_SECONDS,
    });
    await settleDemo(dataDir);
    printDemo(terminal, outcome);
    if (once) return outcome.differences.length === 0 && outcome.rejected === 0 ? 0 : EXIT_DIFFERS;
    printNext(context, outcome.alerts[0]?.id);
  }
  await untilInterrupted(interrupted);
  return 0;
}

function printNext({ terminal }: CommandContext, id: string | undefined): void {
  if (!terminal.interactive) return;
  const steps: (readonly [command: string, does: string])[] = [
    [`tocsin alerts show ${id?.slice(0, 8) ?? 'ID'}`, 'one alert with its evidence'],
    ['tocsin alerts --severity high', 'the most severe alerts'],
    ['tocsin publish FILE', 'do the same with your own log file'],
    ['tocsin status', 'how it is doing'],
  ];
  terminal.line();
  terminal.line('It keeps running. From another terminal:');
  for (const [command, does] of steps) terminal.line(`  ${terminal.style('bold', terminal.typed(command).padEnd(46))} ${does}`);
  terminal.line('Stop with Ctrl-C.');
}
