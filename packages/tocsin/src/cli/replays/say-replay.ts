/** A replay in words. */
import type { ReplayAnswer } from '../../api/replay-answer.ts';
import type { ReplayPhase, ReplaySpec } from '../../replay/replay-order.ts';
import { sayCount, sayMany, sayTime } from '../figures.ts';
import type { Style, Terminal } from '../terminal.ts';
import { visible } from '../visible-text.ts';

/** Colours of how it is. */
export const PHASE_STYLES: Readonly<Record<ReplayPhase, Style>> = {
  waiting: 'dim',
  running: 'cyan',
  done: 'green',
  stopped: 'yellow',
  failed: 'red',
};

/** What it plays. */
export function sayWhat(spec: ReplaySpec): string {
  const { lanes, subject, sources, where, speed, rules } = spec;
  return [
    sayRange(spec),
    ...some(sources.length > 0, `of ${sources.join(', ')}`),
    ...some(lanes.length > 0, `lane ${lanes.join(', ')}`),
    ...some(subject !== undefined, `on ${subject}`),
    ...some(where.length > 0, `where ${where.join(' and ')}`),
    ...some(speed > 0, `at ×${speed}`),
    ...some(rules === 'given', 'by given rules'),
  ].join(', ');
}

function sayRange({ fromMs, toMs, time, fromPosition, toPosition }: ReplaySpec): string {
  const range = [
    ...(fromMs === undefined ? [] : [`from ${sayTime(fromMs)}`]),
    ...(toMs === undefined ? [] : [`to ${sayTime(toMs)}`]),
    ...some(fromPosition !== undefined, `from ${fromPosition}`),
    ...some(toPosition !== undefined, `to ${toPosition}`),
  ];
  return range.length === 0 ? 'all that was kept' : `${range.join(' ')}${time === 'event' ? ' by event time' : ''}`;
}

function some(isSo: boolean, words: string): string[] {
  return isSo ? [words] : [];
}

/** How it ended, and what to type next. */
export function sayOutcome(terminal: Terminal, { id, phase, reason, events, matches, alerts }: ReplayAnswer): void {
  const word = terminal.style(PHASE_STYLES[phase], phase);
  if (phase === 'failed') terminal.line(`Replay ${id} ${word}: ${visible(reason ?? 'for no known reason')}`);
  else if (phase === 'done')
    terminal.line(
      `Replay ${id} is ${word}: ${sayMany(events, 'event')}, ${sayCount(matches)} ${matches === 1 ? 'match' : 'matches'}, ${sayMany(alerts, 'alert')}.`,
    );
  else terminal.line(`Replay ${id} is ${word}.`);
  if (phase === 'done' && alerts > 0) terminal.hint(`Look at them with: tocsin alerts --replay ${id}`);
  if (phase === 'stopped' || phase === 'failed') terminal.hint(`Let it go on with: tocsin replay resume ${id}`);
}
