/** `tocsin rules test`: the tests that rule files carry, and folders of recorded events that rules must match. Needs no installation. */
import { checkRules } from '../../rules/rule-report.ts';
import { type Command, type CommandContext, textOption } from '../command.ts';
import { sayMany } from '../figures.ts';
import { readRuleFiles } from '../read-rule-files.ts';
import { noteRefused, printTests } from '../rule-reports.ts';
import { visible } from '../visible-text.ts';

/** Exit code of sysexits.h: a rule was refused or a test did not pass. */
const EXIT_BAD_DATA = 65;

export const rulesTest: Command = {
  name: 'rules test',
  argument: '<path...>',
  summary: 'run the tests that rule files carry, and with --regression the recordings they must match',
  options: [
    { flags: '--regression <dir>', about: "folder of recordings in SigmaHQ's layout: info.yml with events beside it, as JSON or EVTX" },
  ],
  examples: ['tocsin rules test my-rule.yml', 'tocsin rules test ./sigma/rules --regression ./sigma/regression_data'],
  async run(context, paths, options) {
    const folder = textOption(options, 'regression');
    return folder === undefined ? runOwnTests(context, paths) : runRegression(context, paths, folder);
  },
};

async function runOwnTests({ terminal }: CommandContext, paths: readonly string[]): Promise<number> {
  const { shippedMappings } = await import('../rules/read-events.ts');
  const files = await readRuleFiles(paths);
  const { refused, tests, accepted } = checkRules(files, { mappings: shippedMappings(), test: true, present: [] });
  const untested = accepted.filter(({ id }) => !tests.some(({ ruleId }) => ruleId === id));
  if (terminal.json) terminal.object({ tests, refused, untested: untested.map(({ id, title, path }) => ({ id, title, path })) });
  else {
    noteRefused(terminal, refused);
    printTests(terminal, tests);
    if (untested.length > 0)
      terminal.note(
        `${sayMany(untested.length, 'rule')} without tests${untested.length <= 5 ? `: ${visible(untested.map(({ title }) => title).join(', '))}` : ''}`,
      );
  }
  return refused.length > 0 || tests.some(({ passed }) => !passed) ? EXIT_BAD_DATA : 0;
}

async function runRegression({ terminal }: CommandContext, paths: readonly string[], folder: string): Promise<number> {
  const { runRegressionFolder } = await import('../rules/regression.ts');
  const { outcomes, refused } = await runRegressionFolder(folder, await readRuleFiles(paths));
  const failed = outcomes.filter(({ state }) => state === 'failed');
  const left = outcomes.filter(({ state }) => state === 'not_run');
  if (terminal.json)
    terminal.object({
      regression: outcomes,
      refused: refused.map(({ path, line, error }) => ({ path, line, code: error.code, reason: error.message })),
    });
  else {
    for (const { rule, title, path, detail } of failed)
      terminal.line(`${terminal.style('red', '✗')} ${visible(`${title ?? rule}: ${detail}`)}  ${terminal.style('dim', visible(path))}`);
    for (const { rule, title, path, detail } of left)
      terminal.note(
        `${terminal.style('yellow', '-')} ${visible(`${title ?? rule}: not run: ${detail}`)}  ${terminal.style('dim', visible(path))}`,
      );
    const passed = outcomes.length - failed.length - left.length;
    terminal.line(`${passed} of ${outcomes.length} recordings matched as expected${left.length > 0 ? `, ${left.length} not run` : ''}`);
  }
  // What was not run proves nothing: it must not pass for success.
  return failed.length > 0 || left.length > 0 || outcomes.length === 0 ? EXIT_BAD_DATA : 0;
}
