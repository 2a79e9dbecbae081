/** What a hunt came to as a whole: counts, times, what was refused and what could not be read. */
import type { HuntTally } from '../../hunt/hunt-tally.ts';
import type { RefusedHuntRule } from '../../hunt/load-rules.ts';

/** Figures of a hunt. */
export interface HuntReport {
  readonly tally: HuntTally;
  readonly rulesLoaded: number;
  readonly rulesRefused: readonly RefusedHuntRule[];
  readonly files: number;
  /** Bytes taken from disk or standard input. */
  readonly bytes: number;
  /** From the start of the process until rules were ready, and the processor time of the whole process by then; seconds. */
  readonly loadSeconds: number;
  readonly loadCpuSeconds: number;
  /** From then until the end, seconds. */
  readonly runSeconds: number;
  /** Processor time of the whole process, user and system, loading included, seconds. */
  readonly cpuSeconds: number;
  readonly peakRssBytes: number;
}

/** The object of `--summary json`. */
export function summaryOf(report: HuntReport): object {
  const { tally, rulesLoaded, rulesRefused } = report;
  return {
    events: tally.events,
    unparsed: tally.unparsed,
    rulesLoaded,
    rulesRefused,
    matches: tally.matches,
    matchesByRule: Object.fromEntries([...tally.matchesByRule].sort(([a], [b]) => (a < b ? -1 : 1))),
    loadSeconds: round(report.loadSeconds),
    loadCpuSeconds: round(report.loadCpuSeconds),
    runSeconds: round(report.runSeconds),
    cpuSeconds: round(report.cpuSeconds),
    peakRssBytes: report.peakRssBytes,
  };
}

function round(seconds: number): number {
  return Math.round(seconds * 1e6) / 1e6;
}
