/** `tocsin rules check | test | add`: rule files of one's own. All three ask the installation, which knows its log sources. */
import type { RuleCheck } from '../../duties/detect-api.ts';
import type { Command, CommandContext } from '../command.ts';
import { sayMany } from '../figures.ts';
import { readRuleFiles } from '../read-rule-files.ts';
import { noteRefused, printTests, type RefusedLine } from '../rule-reports.ts';
import { visible } from '../visible-text.ts';

/** Exit codes of sysexits.h: a rule was refused or a test did not pass; the rules are stored and not yet in force. */
const EXIT_BAD_DATA = 65;
const EXIT_TRY_LATER = 75;

interface Answer extends Omit<RuleCheck, 'refused'> {
  readonly refused: readonly RefusedLine[];
  readonly inForce: boolean;
}

/** `tocsin rules check PATH…`. */
export const rulesCheck = command('check', 'say whether rule files compile, with file and line where they do not', {
  dryRun: true,
  test: false,
});
/** `tocsin rules test PATH…`. */
export const rulesTest = command('test', 'run the tests that rule files carry', { dryRun: true, test: true });
/** `tocsin rules add PATH…`. */
export const rulesAdd = command('add', 'add rule files to the installation; a refused rule is left out and shown', {
  dryRun: false,
  test: false,
});

function command(word: string, summary: string, ask: { dryRun: boolean; test: boolean }): Command {
  return {
    name: `rules ${word}`,
    argument: '<path...>',
    summary,
    examples: [`tocsin rules ${word} my-rule.yml`, `tocsin rules ${word} ./sigma/rules/windows`],
    run: (context, paths) => run(context, paths, ask),
  };
}

async function run(context: CommandContext, paths: readonly string[], ask: { dryRun: boolean; test: boolean }): Promise<number> {
  const { terminal } = context;
  const files = await readRuleFiles(paths);
  const api = await context.api();
  const answer = await api.call<Answer>('POST', '/rules', { body: { files, ...ask }, signal: context.interrupted });
  const failed = answer.tests.filter((test) => !test.passed).length;
  if (terminal.json) terminal.object(answer);
  else report(context, answer, ask);
  if (answer.refused.length > 0 || failed > 0) return EXIT_BAD_DATA;
  return ask.dryRun || answer.inForce ? 0 : EXIT_TRY_LATER;
}

function report({ terminal }: CommandContext, answer: Answer, ask: { dryRun: boolean; test: boolean }): void {
  for (const rule of answer.accepted) {
    if (!ask.test)
      terminal.line(
        `${terminal.style('green', '✓')} ${visible(`${rule.path}: ${rule.title}`)}${rule.dormant === undefined ? '' : ` (dormant: ${visible(rule.dormant)})`}`,
      );
  }
  noteRefused(terminal, answer.refused);
  if (ask.test) printTests(terminal, answer.tests);
  else
    terminal.line(
      `${sayMany(answer.accepted.length, 'rule')} accepted, ${answer.refused.length} refused${ask.dryRun ? '' : answer.inForce ? '; in force' : answer.accepted.length > 0 ? '; stored, not yet in force' : ''}`,
    );
}
