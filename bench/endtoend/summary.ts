/** What a run comes to: figures and the promises it must have kept. */
import { quantile } from '../figure.ts';
import type { RunResult } from './run.ts';

/** The run in numbers. Times in milliseconds, memory in MiB. */
export type Summary = {
  readonly offeredPerSecond: number;
  readonly sustainedPerSecond: number;
  readonly heldSeconds: number;
  readonly eventsHeld: number;
  readonly alertP50Ms: number;
  readonly alertP99Ms: number;
  readonly alertMaxMs: number;
  readonly answerP50Ms: number;
  readonly answerP99Ms: number;
  readonly behindMaxMs: number;
  readonly drainedS: number;
  readonly rssMaxMiB: number;
  /** At the end of the first tenth, and at the end. */
  readonly rssFirstMiB: number;
  readonly rssLastMiB: number;
  /** Slope of memory over the second half of the hold, MiB a minute. */
  readonly rssSlopeMiBPerMinute: number;
  readonly productCpuPercent: number;
  readonly generatorCpuPercent: number;
};

/** Figures of a run. */
export function summaryOf({ hold, drainedS }: RunResult): Summary {
  const { seconds, memory, behind } = hold;
  const accepted = seconds.reduce((sum, second) => sum + second.accepted, 0);
  const alerts = seconds.flatMap(({ alertsMs }) => alertsMs);
  const answers = seconds.flatMap(({ answersMs }) => answersMs);
  const rss = memory.map(({ rssMiB }) => rssMiB);
  const max = (values: readonly number[]): number => values.reduce((most, one) => Math.max(most, one), 0);
  return {
    offeredPerSecond: hold.offered,
    sustainedPerSecond: Math.round(accepted / seconds.length),
    heldSeconds: seconds.length,
    eventsHeld: accepted,
    alertP50Ms: quantile(alerts, 0.5),
    alertP99Ms: quantile(alerts, 0.99),
    alertMaxMs: max(alerts),
    answerP50Ms: quantile(answers, 0.5),
    answerP99Ms: quantile(answers, 0.99),
    behindMaxMs: max(behind.map(({ ageMs }) => ageMs)),
    drainedS,
    rssMaxMiB: max(rss),
    rssFirstMiB: rss[Math.floor(rss.length / 10)] ?? 0,
    rssLastMiB: rss.at(-1) ?? 0,
    rssSlopeMiBPerMinute: Math.round(slope(rss.slice(rss.length / 2)) * 60 * 10) / 10,
    productCpuPercent: Math.round(hold.shares.reduce((sum, { percent }) => sum + percent, 0)),
    generatorCpuPercent: Math.round((seconds.reduce((sum, { cpu }) => sum + cpu, 0) / seconds.length) * 100),
  };
}

/** What was promised and not kept, a line each; empty for a run that stands. */
export function broken({ log, leftMessages, hold }: RunResult): string[] {
  const refused = new Map<string, number>();
  for (const second of hold.seconds)
    for (const [why, count] of Object.entries(second.refused)) refused.set(why, (refused.get(why) ?? 0) + count);
  const claims: readonly (readonly [boolean, string])[] = [
    [log.lost === 0, `${log.lost} acknowledged events are not in the log`],
    [log.wrong === 0, `${log.wrong} events in the log were never sent, or have other bytes`],
    [log.hashRead === log.hashSent, `the hash of what was read (${log.hashRead}) is not that of what was sent (${log.hashSent})`],
    [log.alerted === log.planted, `${log.planted - log.alerted} of ${log.planted} planted events have no alert`],
    [log.alertedTwice === 0, `${log.alertedTwice} planted events have more than one alert`],
    [leftMessages === 0, `${leftMessages} messages were still to be read at the end`],
    [
      refused.size === 0,
      `while the rate was held requests were refused: ${[...refused].map(([why, count]) => `${why} × ${count}`).join(', ')}`,
    ],
  ];
  return claims.filter(([kept]) => !kept).map(([, text]) => text);
}

/** Least-squares slope of equally spaced values. */
function slope(values: readonly number[]): number {
  const mean = (values.length - 1) / 2;
  const average = values.reduce((sum, one) => sum + one, 0) / Math.max(1, values.length);
  const [above, below] = values.reduce(([a, b], value, i) => [a + (i - mean) * (value - average), b + (i - mean) ** 2], [0, 0]);
  return below === 0 ? 0 : above / below;
}
