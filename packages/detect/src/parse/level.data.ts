/** Sigma levels as severity (OCSF `severity_id`) and score (0 … 100). The steps are Tocsin's own: the specification gives an order only. */
import type { SeverityId, SigmaLevel } from '@tocsin/core';

export const levelWeights: Readonly<Record<SigmaLevel, { readonly severity: SeverityId; readonly score: number }>> = {
  informational: { severity: 1, score: 10 },
  low: { severity: 2, score: 30 },
  medium: { severity: 3, score: 50 },
  high: { severity: 4, score: 75 },
  critical: { severity: 5, score: 95 },
};
