/** `tocsin tail`: follows events, alerts or matches as they come. */
import type { Alert, Match } from '@tocsin/core';
import { printAlertLine } from '../alerts/alert-tables.ts';
import { type Command, type CommandContext, choiceOption, type GivenOptions, numberOption, textOption } from '../command.ts';
import { visible } from '../visible-text.ts';

const FOLLOWED = ['alerts', 'events', 'matches'] as const;

/** An event as the API tells it. */
interface EventLine {
  readonly time: string;
  readonly source: string;
  readonly mapping: string;
  readonly id: string;
  readonly record: string;
}

export const tail: Command = {
  name: 'tail',
  argument: '[what]',
  summary: 'follow alerts, events or matches as they come (default: alerts)',
  options: [
    { flags: '--from <where>', about: 'new: what comes from now on; first: also what is kept, oldest first (default: new)' },
    { flags: '-n, --count <count>', about: 'end after this many' },
    { flags: '--no-follow', about: 'end with what is stored by now' },
  ],
  examples: [
    'tocsin tail',
    'tocsin tail events --from first -n 20',
    'tocsin tail alerts --from first --no-follow --json > alerts.ndjson',
    'tocsin tail alerts --json | jq .rule.title',
  ],
  run: runTail,
};

async function runTail(context: CommandContext, args: readonly string[], options: GivenOptions): Promise<number> {
  const { terminal, interrupted } = context;
  const what = choiceOption(args[0] ?? 'alerts', 'what to follow', FOLLOWED) ?? 'alerts';
  const from = choiceOption(textOption(options, 'from'), '--from', ['new', 'first']) ?? 'new';
  let left = numberOption(options, 'count', { min: 1, max: Number.MAX_SAFE_INTEGER }) ?? Number.POSITIVE_INFINITY;
  const api = await context.api();
  let announced = false;
  const ready = (): void => {
    if (!announced && terminal.interactive && from === 'new') terminal.note(terminal.style('dim', `Following ${what}. Stop with Ctrl-C.`));
    announced = true;
  };
  for await (const line of api.lines<unknown>(`/tail/${what}?from=${from}&end=${options['follow'] === false ? 'now' : 'never'}`, {
    signal: interrupted,
    ready,
  })) {
    if (terminal.json) terminal.object(line);
    else PRINT[what](context, line);
    left -= 1;
    if (left <= 0) break;
  }
  return 0;
}

const PRINT: Readonly<Record<(typeof FOLLOWED)[number], (context: CommandContext, line: unknown) => void>> = {
  alerts: ({ terminal }, line) => printAlertLine(terminal, line as Alert),
  events: ({ terminal }, line) => {
    const { time, source, mapping, record } = line as EventLine;
    terminal.line(
      `${terminal.style('dim', visible(time))}  ${terminal.style('cyan', visible(source))}  ${visible(mapping)}  ${visible(record)}`,
    );
  },
  matches: ({ terminal }, line) => {
    const { timeMs, ruleId, evidence, entities } = line as Match;
    const about = entities.map((entity) => `${entity.kind} ${entity.value}`).join(' · ');
    terminal.line(
      `${terminal.style('dim', new Date(timeMs).toISOString())}  ${visible(ruleId)}  ${visible(evidence.source)}/${visible(evidence.eventId)}  ${visible(about)}`,
    );
  },
};
