/** `tocsin rules check PATH…`: whether rules compile, what can feed them, and why they could never fire. Needs no installation. */
import { type ParsedRule, parseRules, type RefusedRule } from '@tocsin/detect';
import type { RuleCheckup } from '@tocsin/detect/explain';
import type { MappingSet } from '@tocsin/ingest';
import { type Command, type CommandContext, type GivenOptions, listOption } from '../command.ts';
import { sayMany } from '../figures.ts';
import { readRuleFiles } from '../read-rule-files.ts';
import { noteRefused } from '../rule-reports.ts';
import { visible } from '../visible-text.ts';

/** Exit code of sysexits.h: a rule was refused, or with `--strict` cannot fire or is doubtful. */
const EXIT_BAD_DATA = 65;

export const rulesCheck: Command = {
  name: 'rules check',
  argument: '<path...>',
  summary: 'say whether rule files compile, which sources can feed each rule, which of its fields they have, and why it could never fire',
  options: [
    {
      flags: '--events <files...>',
      about: 'events to look at for which fields there are (default: what the running installation has received, if one runs)',
    },
    { flags: '--strict', about: 'exit code 65 also where a rule could never fire, or there is doubt about it' },
    { flags: '--all', about: 'show every rule in full, however many' },
  ],
  examples: [
    'tocsin rules check my-rule.yml',
    'tocsin rules check ./sigma/rules --strict',
    'tocsin rules check my-rule.yml --events today.ndjson.gz',
  ],
  run,
};

/** More rules than this are told only where there is something to say. */
const MAX_IN_FULL = 12;
/** Names of fields that the API takes. */
const MAX_ASKED = 20_000;

async function run(context: CommandContext, paths: readonly string[], options: GivenOptions): Promise<number> {
  const { terminal } = context;
  const [{ checkRules }, { sourceFacts }, { shippedMappings }] = await Promise.all([
    import('@tocsin/detect/explain'),
    import('../../rules/source-facts.ts'),
    import('../rules/read-events.ts'),
  ]);
  const { rules, refused } = parseRules(await readRuleFiles(paths));
  const mappings = shippedMappings();
  const seen = await fieldsSeen(context, { rules, mappings, files: listOption(options, 'events') });
  const checkups = checkRules(rules, sourceFacts(mappings, seen));
  if (terminal.json) terminal.object({ rules: checkups, refused: refused.map(toLine), summary: summaryOf(checkups, refused) });
  else printCheckups(context, { checkups, refused, inFull: options['all'] === true || checkups.length <= MAX_IN_FULL });
  const isDoubtful = checkups.some(({ canFire, doubts }) => !canFire || doubts.length > 0);
  return refused.length > 0 || (options['strict'] === true && isDoubtful) ? EXIT_BAD_DATA : 0;
}

/** Fields that the rules name and events of each mapping have: of the files given, else of what the running installation has received. */
async function fieldsSeen(
  context: CommandContext,
  { rules, mappings, files }: { rules: readonly ParsedRule[]; mappings: MappingSet; files: readonly string[] },
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const { fieldsOfRules } = await import('@tocsin/detect/explain');
  const names = fieldsOfRules(rules);
  if (files.length === 0) return askInstallation(context, names);
  const { readEvents } = await import('../rules/read-events.ts');
  const { FieldCensus } = await import('../../rules/field-census.ts');
  const census = new FieldCensus(names, mappings.logSources());
  for (const file of files) {
    const { events } = await readEvents(file, { mappings, stdin: context.environment.stdin });
    for (const event of events) census.count(event.mapping, event.fields);
  }
  return census.seen;
}

/** What runs on the data folder, or where `--url` says; nothing where none does. */
async function askInstallation(context: CommandContext, fields: readonly string[]): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const api = await context.running();
  if (api === undefined || fields.length > MAX_ASKED) return new Map();
  const { seen } = await api.call<{ seen: Record<string, string[]> }>('POST', '/rules/fields', {
    body: { fields },
    signal: context.interrupted,
  });
  return new Map(Object.entries(seen).map(([mapping, names]) => [mapping, new Set(names)]));
}

function toLine({ path, line, column, rule, error }: RefusedRule): object {
  return { path, line, column, rule, code: error.code, reason: error.message };
}

function summaryOf(checkups: readonly RuleCheckup[], refused: readonly RefusedRule[]): object {
  return {
    rules: checkups.length,
    canFire: checkups.filter(({ canFire }) => canFire).length,
    neverFire: checkups.filter(({ canFire }) => !canFire).length,
    doubtful: checkups.filter(({ canFire, doubts }) => canFire && doubts.length > 0).length,
    refused: refused.length,
  };
}

function printCheckups(
  { terminal }: CommandContext,
  { checkups, refused, inFull }: { checkups: readonly RuleCheckup[]; refused: readonly RefusedRule[]; inFull: boolean },
): void {
  const told = inFull ? checkups : checkups.filter(({ canFire, doubts }) => !canFire || doubts.length > 0);
  for (const checkup of told) printCheckup({ terminal }, checkup, inFull);
  noteRefused(
    terminal,
    refused.map(({ path, line, column, error }) => ({ path, line, column, reason: error.message })),
  );
  const silent = checkups.filter(({ canFire }) => !canFire).length;
  const doubtful = checkups.filter(({ canFire, doubts }) => canFire && doubts.length > 0).length;
  if (told.length > 0) terminal.line();
  terminal.line(
    [
      sayMany(checkups.length, 'rule'),
      terminal.style('green', `${checkups.length - silent} can fire`),
      terminal.style(silent > 0 ? 'red' : 'dim', `${silent} never`),
      terminal.style(doubtful > 0 ? 'yellow' : 'dim', `${doubtful} doubtful`),
      terminal.style(refused.length > 0 ? 'red' : 'dim', `${refused.length} refused`),
    ].join(', '),
  );
}

function printCheckup({ terminal }: Pick<CommandContext, 'terminal'>, checkup: RuleCheckup, inFull: boolean): void {
  const mark = checkup.canFire
    ? checkup.doubts.length > 0
      ? terminal.style('yellow', '!')
      : terminal.style('green', '✓')
    : terminal.style('red', '✗');
  terminal.line(`${mark} ${visible(`${checkup.path}:${checkup.line}`)}  ${terminal.style('bold', visible(checkup.title))}`);
  const fact = (name: string, text: string): void => terminal.line(`    ${terminal.style('dim', name.padEnd(7))} ${text}`);
  for (const { detail } of checkup.never) fact('never', terminal.style('red', visible(detail)));
  for (const doubt of checkup.doubts) fact('doubt', terminal.style('yellow', visible(doubt)));
  if (!inFull) return;
  const open = checkup.sources.filter(({ barred }) => barred === undefined);
  if (open.length > 0) fact('fed by', visible(sayFirst(open.map(({ mapping }) => mapping))));
  const barred = checkup.sources.length - open.length;
  if (barred > 0 && open.length > 0)
    fact('', terminal.style('dim', `and asked in vain about ${sayMany(barred, 'other')}, whose events it cannot match`));
  for (const [presence, words] of PRESENCES) {
    const fields = fieldsThat(open, presence);
    if (fields.length > 0) fact('fields', `${visible(fields.join(', '))} ${terminal.style('dim', words)}`);
  }
}

type Presence = RuleCheckup['sources'][number]['fields'][string];

const PRESENCES: readonly (readonly [Presence, string])[] = [
  ['seen', '(seen in events)'],
  ['mapped', '(known to the mapping)'],
  ['not_seen', '(in no event looked at)'],
  ['unknown', '(read as written; --events FILE says whether they are there)'],
];

/** Fields with a presence in every source, or the best presence where sources differ. */
function fieldsThat(sources: RuleCheckup['sources'], presence: Presence): string[] {
  const order = PRESENCES.map(([name]) => name);
  const best = new Map<string, Presence>();
  for (const { fields } of sources) {
    for (const [field, one] of Object.entries(fields)) {
      const before = best.get(field);
      if (before === undefined || order.indexOf(one) < order.indexOf(before)) best.set(field, one);
    }
  }
  return [...best].filter(([, one]) => one === presence).map(([field]) => field);
}

function sayFirst(names: readonly string[]): string {
  const unique = [...new Set(names)];
  return unique.length <= 6 ? unique.join(', ') : `${unique.slice(0, 5).join(', ')} and ${unique.length - 5} more`;
}
