/**
 * Severity: one ordinal for the whole product (OCSF `severity_id`) and a score from 0 to 100.
 * The tables to and from the words of other systems are in `severity.data.ts`.
 */

/** OCSF 1.x `severity_id`: 0 unknown, 1 informational, 2 low, 3 medium, 4 high, 5 critical, 6 fatal. */
export type SeverityId = 0 | 1 | 2 | 3 | 4 | 5 | 6;

/** A Sigma rule's `level` (Sigma specification 2.1, "Level"). */
export type SigmaLevel = 'informational' | 'low' | 'medium' | 'high' | 'critical';
