/** `tocsin rules explain RULE EVENT`: why a rule matches an event, or how near it comes. Needs no installation. */

import type { DetectionRule, ParsedRule } from '@tocsin/detect';
import type { ExplainedRule } from '@tocsin/detect/explain';
import { type Command, type CommandContext, listOption, textOption } from '../command.ts';
import { sayMany } from '../figures.ts';
import type { NamedEvent, ReadEvents } from '../rules/read-events.ts';
import { visible } from '../visible-text.ts';

/** Exit code where the rule does not match, as of grep. */
const EXIT_NO_MATCH = 1;

export const rulesExplain: Command = {
  name: 'rules explain',
  argument: '<rule> <event>',
  summary: 'say why a rule matches an event or what keeps it from it; exit code 0 if it matches, 1 if not',
  options: [
    {
      flags: '--mapping <mapping>',
      about: 'read the event by this mapping, such as windows.sysmon.process_creation (default: by its looks)',
    },
    { flags: '--rules <paths...>', about: 'where to look for a rule that is named by id, name or title (default: the shipped rules)' },
  ],
  examples: [
    'tocsin rules explain my-rule.yml event.json',
    `tocsin rules explain my-rule.yml '{"EventID":1,"Image":"C:\\\\x.exe"}' --mapping windows.sysmon.process_creation`,
    'tocsin rules explain "Regsvr32 fetches a scriptlet from a URL" events.ndjson.gz',
  ],
  run,
};

interface Told {
  readonly rule: ParsedRule;
  readonly event: NamedEvent;
  readonly explained: ExplainedRule;
  /** Events of the input that the rule matches. */
  readonly matching: number;
}

async function run(
  context: CommandContext,
  [given = '', event = '']: readonly string[],
  options: Parameters<Command['run']>[2],
): Promise<number> {
  const { terminal, environment } = context;
  const [{ findRules }, { knownMapping, readEvents, shippedMappings }, { explainRule, plainRulesOf }] = await Promise.all([
    import('../rules/find-rule.ts'),
    import('../rules/read-events.ts'),
    import('@tocsin/detect/explain'),
  ]);
  const { found, all } = await findRules(given, listOption(options, 'rules'));
  const mappings = shippedMappings();
  const mapping = knownMapping(mappings, textOption(options, 'mapping'));
  const read = await readEvents(event, { mappings, stdin: environment.stdin, mapping });
  const logSources = mappings.logSources();
  const byMapping = new Map(logSources.map((logSource) => [logSource.mapping, logSource]));
  const explain = (rule: DetectionRule, one: NamedEvent): ExplainedRule =>
    explainRule(rule, { fields: one.fields, logSource: byMapping.get(one.mapping), logSources });
  const told = toTell(found, (rule) => plainRulesOf(rule, all)).map(({ rule, plain }) => tell(rule, read, (one) => explain(plain, one)));
  if (terminal.json) terminal.object({ explanations: told.map(toJson), refused: read.refused });
  else for (const one of told) await printTold(context, one, read);
  return told.some(({ matching }) => matching > 0) ? 0 : EXIT_NO_MATCH;
}

/** Plain rules to be told, each once: of a correlation those that it counts. */
function toTell(
  found: readonly ParsedRule[],
  plainRules: (rule: ParsedRule) => DetectionRule[],
): { rule: ParsedRule; plain: DetectionRule }[] {
  const byPlain = new Map<DetectionRule, ParsedRule>();
  // A plain rule is named with the correlation that counts it, where both are meant.
  for (const rule of [...found].sort((a, b) => a.kind.localeCompare(b.kind)))
    for (const plain of plainRules(rule)) if (!byPlain.has(plain)) byPlain.set(plain, rule);
  return [...byPlain].map(([plain, rule]) => ({ rule, plain }));
}

/** The first event that matches, else the one that comes nearest. */
function tell(rule: ParsedRule, { events }: ReadEvents, explain: (event: NamedEvent) => ExplainedRule): Told {
  let best: { event: NamedEvent; explained: ExplainedRule; nearness: number } | undefined;
  let matching = 0;
  for (const event of events) {
    const explained = explain(event);
    if (explained.matched) matching += 1;
    const nearness = explained.matched ? Number.POSITIVE_INFINITY : nearnessOf(explained);
    if (best === undefined || nearness > best.nearness) best = { event, explained, nearness };
  }
  const { event, explained } = best as NonNullable<typeof best>;
  return { rule, event, explained, matching };
}

function nearnessOf({ routing, condition }: ExplainedRule): number {
  return (routing.held ? 2 : 0) + shareHeld(condition);
}

/** Share of a condition that holds, 0 … 1. */
function shareHeld(node: ExplainedRule['condition']): number {
  if (node.held) return 1;
  if (node.kind === 'not') return 0;
  if (node.kind === 'or') return Math.max(...node.parts.map(shareHeld));
  if (node.kind !== 'selection') return node.parts.reduce((sum, part) => sum + shareHeld(part), 0) / node.parts.length;
  return node.body === undefined ? 0 : shareOfBody(node.body);
}

type Body = NonNullable<Extract<ExplainedRule['condition'], { kind: 'selection' }>['body']>;

function shareOfBody(body: Body): number {
  if (body.held) return 1;
  if (body.kind === 'line') return body.exists ? 0.2 : 0;
  const shares = body.parts.map(shareOfBody);
  return body.kind === 'any' ? Math.max(...shares) : shares.reduce((sum, share) => sum + share, 0) / shares.length;
}

function toJson({ rule, event, explained, matching }: Told): object {
  return {
    rule: { id: rule.meta.id, title: rule.meta.title, kind: rule.kind, path: rule.location.path, line: rule.location.line },
    event: event.where,
    matching,
    ...explained,
  };
}

async function printTold({ terminal }: CommandContext, { rule, event, explained, matching }: Told, read: ReadEvents): Promise<void> {
  const [{ conditionTree }, { printTree }, { sayRouting }] = await Promise.all([
    import('../rules/explanation-tree.ts'),
    import('../tree.ts'),
    import('../rules/say-routing.ts'),
  ]);
  const verdict = explained.matched ? terminal.style(['bold', 'green'], 'match') : terminal.style(['bold', 'red'], 'no match');
  terminal.line(`${verdict}  ${terminal.style('bold', visible(explained.title))}`);
  const fact = (name: string, text: string): void => terminal.line(`  ${terminal.style('dim', name.padEnd(7))} ${text}`);
  fact('rule', `${visible(explained.ruleId)}, ${visible(rule.location.path)}:${rule.location.line}`);
  if (rule.kind === 'correlation')
    fact('counts', `one of the rules that ${visible(rule.meta.title)} counts; one event alone says nothing about a number`);
  fact(
    'event',
    `${visible(event.where)}, read as ${visible(event.mapping)}${read.events.length > 1 ? ` (${sayMany(matching, 'event')} of ${read.events.length} match; this is the ${matching > 0 ? 'first' : 'nearest'})` : ''}`,
  );
  sayRouting(terminal, explained.routing).forEach((line, index) => {
    fact(index === 0 ? 'asked' : '', line);
  });
  terminal.line();
  printTree(terminal, conditionTree(terminal, explained.condition), '  ');
  terminal.line();
}
