import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Alert, Position } from '@tocsin/core';
import { afterAll, describe, expect, it } from 'vitest';
import { openAlertTable } from './alert-table.ts';

const at = (n: number): Position => `p${n}` as Position;
const place = (n: number): { position: Position; sequence: number } => ({ position: at(n), sequence: n });

function alert(id: string, change: Partial<Alert> = {}): Alert {
  return {
    id,
    tenant: 'acme',
    origin: 'live',
    rule: { id: 'rule-1', title: 'A rule', version: 'v', ruleSet: 's', references: [], tags: [], techniques: [] },
    severity: 4,
    score: 70,
    status: 'new',
    groupBy: { host: 'h1' },
    entities: [{ kind: 'host', value: 'h1' }],
    count: 1,
    firstMs: 1000,
    lastMs: 1000,
    receivedMs: 2000,
    evidence: [],
    explanation: [],
    advice: '',
    causation: [],
    foldRevision: 1,
    ...change,
  };
}

describe('alert table', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tocsin-store-'));
  const path = join(folder, 'alerts.sqlite');
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('keeps the newest state and the position in one transaction, across reopening', () => {
    {
      using table = openAlertTable({ path });
      table.apply([
        { ...place(1), alert: alert('a1') },
        { ...place(2), alert: alert('a1', { count: 5, foldRevision: 2 }) },
      ]);
    }
    using table = openAlertTable({ path });
    expect(table.applied()).toBe('p2');
    expect(table.get('acme', 'a1')?.alert.count).toBe(5);
    expect(table.list({ tenant: 'acme', limit: 10 }).alerts).toHaveLength(1);
  });

  it('applies nothing of a batch that cannot be applied whole', () => {
    using table = openAlertTable({ path: ':memory:' });
    table.apply([{ ...place(1), alert: alert('a1') }]);
    const broken = { ...alert('a2'), count: Symbol('not a number') } as unknown as Alert;
    expect(() =>
      table.apply([
        { ...place(2), alert: alert('a3') },
        { ...place(3), alert: broken },
      ]),
    ).toThrow(TypeError);
    expect(table.applied()).toBe('p1');
    expect(table.get('acme', 'a3')).toBeUndefined();
  });

  it('shows no alert to another tenant', () => {
    using table = openAlertTable({ path: ':memory:' });
    table.apply([{ ...place(1), alert: alert('a1') }]);
    expect(table.get('other', 'a1')).toBeUndefined();
    expect(table.list({ tenant: 'other', limit: 10 }).alerts).toEqual([]);
    expect(table.counts('other').new).toBe(0);
  });

  it('pages without losing or repeating alerts of the same time', () => {
    using table = openAlertTable({ path: ':memory:' });
    const ids = Array.from({ length: 25 }, (_, i) => `a${i.toString(16).padStart(2, '0')}`);
    table.apply(ids.map((id, i) => ({ ...place(i), alert: alert(id, { lastMs: 1000 + Math.floor(i / 10) }) })));
    const seen: string[] = [];
    let after: string | undefined;
    do {
      const page = table.list({ tenant: 'acme', limit: 4, after });
      seen.push(...page.alerts.map((each) => each.id));
      after = page.next;
    } while (after);
    expect(seen).toHaveLength(25);
    expect(new Set(seen)).toEqual(new Set(ids));
  });

  it('refuses a cursor nobody gave out: whoever asks for page after page would never end', () => {
    using table = openAlertTable({ path: ':memory:' });
    table.apply([{ ...place(1), alert: alert('a1') }]);
    for (const after of ['', 'a1', '1000', '1000.a1.b', `${'9'.repeat(17)}.a`]) {
      expect(() => table.list({ tenant: 'acme', limit: 1, after })).toThrow('`after` is no `next`');
    }
  });

  it('keeps each act once although later changes repeat it', () => {
    using table = openAlertTable({ path: ':memory:' });
    const lastAct = { kind: 'acknowledge', actor: 'ada', atMs: 5000, note: 'mine' } as const;
    const acknowledged = alert('a1', { status: 'acknowledged', lastAct });
    table.apply([
      { ...place(1), alert: acknowledged },
      { ...place(2), alert: { ...acknowledged, count: 9 } },
    ]);
    expect(table.get('acme', 'a1')?.history).toEqual([lastAct]);
    expect(table.counts('acme')).toEqual({ new: 0, acknowledged: 1, resolved: 0, false_positive: 0 });
  });

  it('forgets alerts of which the log keeps no message, with their history, and no others', () => {
    using table = openAlertTable({ path: ':memory:' });
    const lastAct = { kind: 'acknowledge', actor: 'ada', atMs: 5000, note: 'mine' } as const;
    table.apply([
      { ...place(1), alert: alert('a1', { status: 'acknowledged', lastAct }) },
      { ...place(2), alert: alert('a2') },
      { ...place(3), alert: alert('a3') },
      { ...place(4), alert: alert('a2', { count: 7 }) },
    ]);
    expect(table.forget(3)).toBe(2);
    expect(table.list({ tenant: 'acme', limit: 10 }).alerts).toEqual([alert('a2', { count: 7 })]);
    expect(table.applied()).toBe('p4');
    // Were its history left, an alert that comes again would show what was done to another.
    table.apply([{ ...place(5), alert: alert('a1') }]);
    expect(table.get('acme', 'a1')?.history).toEqual([]);
  });
});
