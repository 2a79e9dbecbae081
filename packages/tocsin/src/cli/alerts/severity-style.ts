/** Severity in words and colours. */
import type { SeverityId } from '@tocsin/core';
import type { Style } from '../terminal.ts';

/** Words of OCSF `severity_id`, by number. */
export const SEVERITY_WORDS = ['unknown', 'info', 'low', 'medium', 'high', 'critical', 'fatal'] as const satisfies Record<number, string>;

const STYLES: Readonly<Record<SeverityId, Style>> = {
  0: 'dim',
  1: 'dim',
  2: 'cyan',
  3: 'yellow',
  4: 'red',
  5: ['bold', 'red'],
  6: ['bold', 'white', 'bgRed'],
};

/** The word for a severity. */
export function severityWord(severity: SeverityId): string {
  return SEVERITY_WORDS[severity] ?? 'unknown';
}

/** The colour of a severity. */
export function severityStyle(severity: SeverityId): Style {
  return STYLES[severity] ?? 'dim';
}
