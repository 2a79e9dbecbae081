/** `tocsin rules add`: rule files of one's own, put in force by the installation. */
import type { RuleCheck } from '../../duties/detect-api.ts';
import type { Command, CommandContext } from '../command.ts';
import { sayMany } from '../figures.ts';
import { readRuleFiles } from '../read-rule-files.ts';
import { noteRefused, type RefusedLine } from '../rule-reports.ts';
import { visible } from '../visible-text.ts';

/** Exit codes of sysexits.h: a rule was refused; the rules are stored and not yet in force. */
const EXIT_BAD_DATA = 65;
const EXIT_TRY_LATER = 75;

interface Answer extends Omit<RuleCheck, 'refused'> {
  readonly refused: readonly RefusedLine[];
  readonly inForce: boolean;
}

/** `tocsin rules add PATH…`: asks the installation, which puts them in force. */
export const rulesAdd: Command = {
  name: 'rules add',
  argument: '<path...>',
  summary: 'add rule files to the installation; a refused rule is left out and shown',
  examples: ['tocsin rules add my-rule.yml', 'tocsin rules add ./sigma/rules/windows'],
  run,
};

async function run(context: CommandContext, paths: readonly string[]): Promise<number> {
  const { terminal } = context;
  const files = await readRuleFiles(paths);
  const api = await context.api();
  const answer = await api.call<Answer>('POST', '/rules', { body: { files, dryRun: false, test: false }, signal: context.interrupted });
  if (terminal.json) terminal.object(answer);
  else report(context, answer);
  if (answer.refused.length > 0) return EXIT_BAD_DATA;
  return answer.inForce ? 0 : EXIT_TRY_LATER;
}

function report({ terminal }: CommandContext, answer: Answer): void {
  for (const rule of answer.accepted) {
    const silent = rule.dormant === undefined ? '' : terminal.style('yellow', ` (cannot fire: ${visible(rule.dormant)})`);
    terminal.line(`${terminal.style('green', '✓')} ${visible(`${rule.path}: ${rule.title}`)}${silent}`);
  }
  noteRefused(terminal, answer.refused);
  const state = answer.inForce ? '; in force' : answer.accepted.length > 0 ? '; stored, not yet in force' : '';
  terminal.line(`${sayMany(answer.accepted.length, 'rule')} accepted, ${answer.refused.length} refused${state}`);
}
