/** `tocsin doctor`: looks at machine and installation and says what to do about what is wrong. */
import type { Command, CommandContext } from '../command.ts';
import type { Finding } from '../doctor/check.ts';
import { visible } from '../visible-text.ts';

/** Exit code when something is wrong. */
const EXIT_BAD = 69;

const MARKS = { good: ['green', '✓'], bad: ['red', '✗'], unknown: ['yellow', '-'] } as const;

export const doctor: Command = {
  name: 'doctor',
  summary: 'check machine and installation, and say what to do about what is wrong',
  examples: ['tocsin doctor', 'tocsin doctor --json'],
  async run(context) {
    const findings = await look(context);
    if (context.terminal.json) context.terminal.object({ findings });
    else print(context, findings);
    return findings.some((finding) => finding.state === 'bad') ? EXIT_BAD : 0;
  },
};

async function look(context: CommandContext): Promise<Finding[]> {
  const { dataDir, environment } = context;
  const [machine, installation] = await Promise.all([import('../doctor/machine-checks.ts'), import('../doctor/installation-checks.ts')]);
  return [
    machine.checkNode(process.version),
    machine.checkClock(Date.now()),
    ...(await machine.checkDataFolder(dataDir)),
    await machine.checkCredentials(dataDir),
    await machine.checkServerBinary(environment),
    ...(await installation.checkInstallation(context)),
  ];
}

function print({ terminal }: CommandContext, findings: readonly Finding[]): void {
  for (const { name, state, found, remedy } of findings) {
    const [style, mark] = MARKS[state];
    terminal.line(`${terminal.style(style, mark)} ${name.padEnd(12)} ${terminal.typed(visible(found))}`);
    if (remedy !== undefined) terminal.line(`  ${' '.repeat(12)} → ${terminal.typed(visible(remedy))}`);
  }
}
