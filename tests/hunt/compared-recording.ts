/** One recording judged by both: what the command printed, and what the oracle finds. */
import { createHash } from 'node:crypto';
import { type BothRules, oracleMatches } from './hunt-oracle.ts';
import type { PrintedMatches } from './printed-matches.ts';

/** What came of it. Matches are `rule line`. */
export interface ComparedRecording {
  readonly recording: string;
  readonly events: number;
  /** Events of which the command made none. */
  readonly unparsed: number;
  readonly matches: number;
  /** Rules that hold for some event. */
  readonly rules: number;
  /** SHA-256 over the oracle's matches, sorted, a line each: hex. */
  readonly matchesSha256: string;
  /** What the oracle finds and the command did not print. */
  readonly missing: readonly string[];
  /** What the command printed and the oracle does not find, or was printed more than once. */
  readonly extra: readonly string[];
  /** Rules that the oracle refuses to judge. */
  readonly refused: readonly string[];
  /** Processor time of the oracle, seconds. */
  readonly oracleCpuSeconds: number;
}

interface Comparison {
  readonly recording: string;
  readonly lines: readonly string[];
  readonly rules: BothRules;
  readonly printed: PrintedMatches;
}

/** Judges the lines by the oracle and compares. @throws Error where the command's own counts do not agree with what it printed */
export function compareRecording({ recording, lines, rules, printed: { matches, summary } }: Comparison): ComparedRecording {
  if (summary.matches !== matches.length || summary.events + summary.unparsed !== lines.length)
    throw new Error(`${recording}: printed ${matches.length} matches over ${lines.length} lines, and counted ${JSON.stringify(summary)}`);
  const refused = new Set<string>();
  const before = process.cpuUsage();
  const expected = oracleMatches(rules, lines, (id) => refused.add(id));
  const { user, system } = process.cpuUsage(before);
  const left = new Set(expected);
  const extra = matches.filter((match) => !left.delete(match));
  return {
    recording,
    events: lines.length,
    unparsed: summary.unparsed,
    matches: matches.length,
    rules: new Set([...expected].map((match) => match.split(' ')[0])).size,
    matchesSha256: hashOfMatches([...expected]),
    missing: [...left],
    extra,
    refused: [...refused],
    oracleCpuSeconds: Math.round((user + system) / 1e4) / 100,
  };
}

/** SHA-256 over matches, sorted, a line each: hex. */
export function hashOfMatches(matches: readonly string[]): string {
  return createHash('sha256')
    .update([...matches].sort().join('\n'))
    .digest('hex');
}
