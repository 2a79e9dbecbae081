/** Percentiles of measured times. */

/** Percentiles in milliseconds, to a tenth. */
export interface Latency {
  readonly p50: number;
  readonly p99: number;
}

/** The nearest-rank percentiles of the measured times; undefined where nothing was measured. */
export function latencyOf(timesMs: readonly number[]): Latency | undefined {
  if (timesMs.length === 0) return undefined;
  const sorted = [...timesMs].sort((a, b) => a - b);
  const at = (share: number): number => Math.round((sorted[Math.ceil(share * sorted.length) - 1] ?? 0) * 10) / 10;
  return { p50: at(0.5), p99: at(0.99) };
}
