import { expect, test } from 'vitest';
import { severityTables } from './severity.data.ts';
import { isSeverityId, type SeverityId, scoreOf, severityFrom, severityFromScore, severityTo } from './severity.ts';

const IDS: readonly SeverityId[] = [0, 1, 2, 3, 4, 5, 6];
const SCHEMES = Object.keys(severityTables) as (keyof typeof severityTables)[];

test.each([
  ['syslog', 0, 6],
  ['syslog', '3', 4],
  ['syslog', 'WARNING', 3],
  ['syslog', 8, 0],
  ['sigma', 'high', 4],
  ['sigma', 'informational', 1],
  ['cef', 10, 5],
  ['cef', '3', 2],
  ['cef', 'Very-High', 5],
  ['cef', 11, 0],
  ['ecs', 'error', 4],
  ['windows', 4, 1],
  ['windows', 'Information', 1],
  ['nxlog', 'ERROR', 4],
  ['ocsf', 'Fatal', 6],
  ['ocsf', 'toString', 0],
  ['ocsf', '__proto__', 0],
  ['syslog', null, 0],
  ['syslog', {}, 0],
  ['syslog', Number.NaN, 0],
] as const)('%s %s is severity %i', (scheme, value, severity) => {
  expect(severityFrom(scheme, value)).toBe(severity);
});

test.each(SCHEMES)(
  '%s: a severity written there and read back is never raised, and lowered by what the system cannot say only',
  (scheme) => {
    const written = IDS.slice(1).map((id) => severityFrom(scheme, severityTo(scheme, id)));
    // Suricata has four steps and nothing above high.
    const most = scheme === 'suricata' ? 2 : 1;
    for (const [index, back] of written.entries()) expect(Math.abs(back - (index + 1))).toBeLessThanOrEqual(most);
    expect(written).toEqual([...written].sort((a, b) => a - b));
    for (const word of Object.values(severityTables[scheme].to)) expect(severityTables[scheme].from).toHaveProperty([word.toLowerCase()]);
  },
);

test('ocsf and sigma are exact where they have a word', () => {
  expect(IDS.map((id) => severityFrom('ocsf', severityTo('ocsf', id)))).toEqual(IDS);
  expect([1, 2, 3, 4, 5].map((id) => severityFrom('sigma', severityTo('sigma', id as SeverityId)))).toEqual([1, 2, 3, 4, 5]);
});

test('every severity has its score within its own band', () => {
  expect(IDS.map((id) => severityFromScore(scoreOf(id)))).toEqual(IDS);
});

test.each([
  [-5, 0],
  [0, 0],
  [1, 1],
  [19.9, 1],
  [20, 2],
  [59, 3],
  [79, 4],
  [99, 5],
  [100, 6],
  [1e9, 6],
  [Number.NaN, 0],
])('score %d is severity %i', (score, severity) => {
  expect(severityFromScore(score)).toBe(severity);
});

test('only 0 to 6 are severity ids', () => {
  expect([0, 6, 7, -1, 1.5, '1', null].map(isSeverityId)).toEqual([true, true, false, false, false, false, false]);
});
