/** What a playback came to, as text: alerts found, times measured, speed. */
import type { FoundAlert } from '../alerts/alert-facts.ts';
import { printFound } from '../alerts/alert-tables.ts';
import { sayCount, sayMany, saySpan } from '../figures.ts';
import type { Terminal } from '../terminal.ts';
import type { Latency } from './latency.ts';

/** The figures of a playback. */
export interface PlaybackSummary {
  /** Records sent. */
  readonly events: number;
  /** Of them stored: new ones, and those that were there already. */
  readonly accepted: number;
  readonly duplicates: number;
  /** From the first request to the last answer, seconds. */
  readonly seconds: number;
  /** From receipt of an event to the arrival here of the alert it made. */
  readonly latency: Latency | undefined;
  /** False where detection was not waited for: then nothing is said about alerts. */
  readonly waited?: boolean | undefined;
  /** Rows to be shown. */
  readonly found: readonly FoundAlert[];
}

/** Prints the table of alerts and the figures below it. */
export function printSummary(terminal: Terminal, summary: PlaybackSummary): void {
  const { events, accepted, duplicates, seconds, latency, found } = summary;
  const alerts = found.reduce((sum, row) => sum + row.alerts, 0);
  terminal.hint();
  if (found.length > 0) {
    printFound(terminal, found);
    terminal.hint();
  }
  const repeated = duplicates > 0 ? `, ${sayCount(duplicates)} were there already` : '';
  terminal.line(
    `${sayMany(events, 'event')} sent, ${sayCount(accepted + duplicates)} acknowledged as durable${repeated}: ${sayCount(events / Math.max(seconds, 0.001))} events/s over ${saySpan(seconds * 1000)}`,
  );
  if (summary.waited === false) return;
  if (alerts === 0) terminal.line('No alert was found');
  else
    terminal.line(
      `${sayMany(alerts, 'alert')} found; ${latency ? `event to alert p50 ${saySpan(latency.p50)}, p99 ${saySpan(latency.p99)}` : 'all were there already, so no time from event to alert was measured'}`,
    );
}

/** The figures as an object: alerts are one entry per rule and entity. */
export function summaryObject(summary: PlaybackSummary): object {
  const { events, accepted, duplicates, seconds, latency, found } = summary;
  return {
    events,
    acked: accepted + duplicates,
    alerts: found.map(({ rule, title, technique, host, user, entity, count, alerts }) => ({
      rule,
      technique,
      host,
      user,
      count,
      title,
      entity,
      alerts,
    })),
    latencyMs: latency ?? { p50: null, p99: null },
    seconds: Math.round(seconds * 1000) / 1000,
    duplicates,
  };
}
