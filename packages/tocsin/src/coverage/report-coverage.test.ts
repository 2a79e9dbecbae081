import { zstdCompressSync } from 'node:zlib';
import type { Position } from '@tocsin/core';
import { type CoverageLedger, openCoverageLedger } from '@tocsin/store';
import { describe, expect, it } from 'vitest';
import { bookOf, ruleFile } from '../../test/ground.ts';
import { findMissed } from '../catchup/find-missed.ts';
import { reportCoverage } from './report-coverage.ts';
import { readRuleList, type RuleList, ruleListOf, rulesOfList } from './rule-list.ts';

const LIVE = 'EVENTS_LIVE';
const MINUTE = 60_000;
const at = (n: number): Position => `p${n}` as Position;
const packed = (list: RuleList): Uint8Array => zstdCompressSync(Buffer.from(JSON.stringify(list)));
const listOf = (...rules: RuleList['shared']): Uint8Array => packed({ shared: rules, tenants: {} });

/** Ten frames of one event each, a minute apart: three before the rule was there, three in another version, three under the right one, one not judged. */
function openFilled(): CoverageLedger {
  const ledger = openCoverageLedger({ path: ':memory:' });
  const frames = Array.from({ length: 10 }, (_, i) => ({
    sequence: i + 1,
    partition: 0,
    tenant: 'acme',
    receivedMs: i,
    tallies: [{ source: i % 2 === 0 ? 'edr' : 'vpn', mapping: 'json', minuteMs: i * MINUTE, events: 1, late: i === 8 ? 1 : 0 }],
    newest: [],
  }));
  ledger.applyFrames(LIVE, at(10), frames);
  const step = (sequence: number, upTo: number, order: number) => ({
    position: at(sequence),
    sequence,
    storedMs: 0,
    partition: 0,
    ruleSet: `set${order}`,
    order,
    read: { [LIVE]: upTo },
    positions: { [LIVE]: at(upTo) },
  });
  ledger.applySteps(
    [step(1, 3, 1), step(2, 6, 2), step(3, 9, 3)],
    new Map([
      ['set1', listOf(['other', 'v', 'active'])],
      ['set2', listOf(['rule', 'old', 'active'], ['other', 'v', 'quarantined'])],
      ['set3', listOf(['rule', 'new', 'active'], ['other', 'v', 'needs_values'])],
    ]),
  );
  return ledger;
}

const asked = { tenant: 'acme', routing: { json: ['rule', 'other'] }, gapsOnly: false, limit: 100 };
const rule = { id: 'rule', version: 'new' };

describe('coverage report', () => {
  it('puts every event in one column, by the set that judged it', () => {
    using ledger = openFilled();
    const lines = reportCoverage(ledger, { ...asked, rules: [rule, { id: 'other', version: 'v' }] });
    const sums = (id: string): Record<string, number> => {
      const own = lines.filter((line) => line.rule === id);
      const names = ['events', 'evaluated', 'otherVersion', 'notLoaded', 'quarantined', 'needs_values', 'waiting', 'late'] as const;
      return Object.fromEntries(names.map((name) => [name, own.reduce((sum, line) => sum + line[name], 0)]));
    };
    const none = { quarantined: 0, needs_values: 0 };
    expect(sums('rule')).toEqual({ ...none, events: 10, evaluated: 3, otherVersion: 3, notLoaded: 3, waiting: 1, late: 1 });
    expect(sums('other')).toEqual({ events: 10, evaluated: 3, otherVersion: 0, notLoaded: 0, quarantined: 3, needs_values: 3, waiting: 1, late: 0 });
    expect(lines.map(({ source }) => source)).toEqual(['edr', 'vpn', 'edr', 'vpn']);
  });

  it('is cut by source and time, leaves out rules that ask for other events, and takes no row for another tenant', () => {
    using ledger = openFilled();
    const report = (more: object): unknown[] => reportCoverage(ledger, { ...asked, rules: [rule], ...more }).map((line) => [line.source, line.events]);
    expect(report({ source: 'vpn' })).toEqual([['vpn', 5]]);
    expect(report({ fromMs: 2 * MINUTE, toMs: 4 * MINUTE })).toEqual([
      ['edr', 1],
      ['vpn', 1],
    ]);
    expect(report({ everyMs: 5 * MINUTE, source: 'edr' })).toEqual([
      ['edr', 3],
      ['edr', 2],
    ]);
    expect(report({ routing: { json: ['other'], syslog: ['rule'] } })).toEqual([]);
    expect(report({ tenant: 'globex' })).toEqual([]);
  });

  it('takes events off what was evaluated that could not be judged', () => {
    using ledger = openFilled();
    const letter = { position: at(1), subject: 's', tenant: 'acme', source: 'edr', consumer: 'match', scope: 'rule:rule', atMs: 9 * MINUTE, isOpen: true };
    ledger.applyLetters([letter, { ...letter, subject: 't', scope: 'rule:other' }]);
    const [edr] = reportCoverage(ledger, { ...asked, rules: [rule], source: 'edr' });
    expect(edr).toMatchObject({ events: 5, evaluated: 1, dropped: 1 });
  });

  it('says caught up of what a catch-up by this version has judged, and of nothing else', () => {
    using ledger = openFilled();
    const missed = (otherVersions: boolean): number => findMissed(ledger, { ...asked, rules: [rule], otherVersions }).events;
    expect([missed(false), missed(true)]).toEqual([3, 6]);
    const catchUp = (sequence: number, upTo: number, version: string): void =>
      ledger.applySteps(
        [
          {
            position: at(sequence),
            sequence,
            storedMs: 0,
            partition: -1,
            ruleSet: 'set3',
            order: 3,
            read: {},
            positions: {},
            caughtUp: { job: 'j', tenant: 'acme', rules: [{ id: 'rule', version }], ranges: [{ stream: LIVE, partition: 0, after: 0, upTo }] },
          },
        ],
        new Map(),
      );
    catchUp(4, 3, 'old');
    expect(missed(false)).toBe(3);
    catchUp(5, 2, 'new');
    expect(missed(false)).toBe(1);
    catchUp(6, 6, 'new');
    expect([missed(false), missed(true)]).toEqual([0, 0]);
    const lines = reportCoverage(ledger, { ...asked, rules: [rule] });
    expect(lines.reduce((sum, { caughtUp }) => sum + caughtUp, 0)).toBe(6);
  });
});

describe('rule list', () => {
  it('says of each rule whether it judges, for everybody and for tenants with rules of their own', () => {
    const missing = { path: 'c.yml', text: 'title: c\nid: c\nlogsource: { product: nowhere }\ndetection: { s: { a: 1 }, condition: s }\n' };
    const book = bookOf(ruleFile('shared', 'x'), missing, { ...ruleFile('own', 'y'), tenant: '__proto__' });
    const list = readRuleList(packed(ruleListOf(book)));
    const states = (tenant: string): string[] => [...rulesOfList(list, tenant).values()].map(([id, version, state]) => `${id} ${version.length} ${state}`);
    expect(states('acme')).toEqual(['shared 16 active', 'c 16 no_log_source']);
    expect(states('__proto__')).toEqual(['shared 16 active', 'c 16 no_log_source', 'own 16 active']);
    expect(states('constructor')).toEqual(states('acme'));
  });
});
