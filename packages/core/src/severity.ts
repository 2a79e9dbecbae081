/**
 * Severity: one ordinal for the whole product (OCSF `severity_id`) and a score from 0 to 100.
 * The tables to and from the words of other systems are in `severity.data.ts`.
 */
import { type SeverityScheme, severityBands, severityScores, severityTables } from './severity.data.ts';

/** OCSF 1.x `severity_id`: 0 unknown, 1 informational, 2 low, 3 medium, 4 high, 5 critical, 6 fatal. */
export type SeverityId = 0 | 1 | 2 | 3 | 4 | 5 | 6;

/** A Sigma rule's `level` (Sigma specification 2.1, "Level"). */
export type SigmaLevel = 'informational' | 'low' | 'medium' | 'high' | 'critical';

/**
 * Severity of a word or number of another system, in any case; 0 (unknown) where the system does not know it.
 * Numbers may be given as numbers or text.
 */
export function severityFrom(scheme: SeverityScheme, value: unknown): SeverityId {
  if (typeof value !== 'string' && typeof value !== 'number') return 0;
  const from: Readonly<Record<string, SeverityId>> = severityTables[scheme].from;
  const word = typeof value === 'number' ? String(value) : value;
  if (Object.hasOwn(from, word)) return from[word] ?? 0;
  const lower = word.toLowerCase();
  return Object.hasOwn(from, lower) ? (from[lower] ?? 0) : 0;
}

/** How another system writes a severity. Several severities may be written alike. */
export function severityTo(scheme: SeverityScheme, severity: SeverityId): string {
  return severityTables[scheme].to[severity];
}

/** The score that stands for a severity, 0 … 100. */
export function scoreOf(severity: SeverityId): number {
  return severityScores[severity];
}

/** The severity whose band a score lies in; scores below 0 or above 100 count as those, what is no number as unknown. */
export function severityFromScore(score: number): SeverityId {
  let severity: SeverityId = 0;
  for (const id of SEVERITY_IDS) if (score >= severityBands[id]) severity = id;
  return severity;
}

/** Whether a number is a severity id. */
export function isSeverityId(value: unknown): value is SeverityId {
  return SEVERITY_IDS.some((id) => id === value);
}

const SEVERITY_IDS: readonly SeverityId[] = [0, 1, 2, 3, 4, 5, 6];
