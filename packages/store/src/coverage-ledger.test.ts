import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Position } from '@tocsin/core';
import { describe, expect, it } from 'vitest';
import { type CoverageLedger, type CoverageStep, openCoverageLedger } from './coverage-ledger.ts';

const LIVE = 'EVENTS_LIVE';
const MINUTE = 60_000;
const at = (n: number): Position => `p${n}` as Position;

function addFrames(ledger: CoverageLedger, from: number, to: number, more: { source?: string; events?: number; late?: number } = {}): void {
  const { source = 'edr', events = 2, late = 0 } = more;
  const frames = Array.from({ length: to - from + 1 }, (_, i) => ({
    sequence: from + i,
    partition: 0,
    tenant: 'acme',
    receivedMs: (from + i) * 1000,
    tallies: [{ source, mapping: 'json', minuteMs: Math.floor((from + i) / 10) * MINUTE, events, late }],
    newest: [[source, (from + i) * 1000]] as const,
  }));
  ledger.applyFrames(LIVE, at(to), frames);
}

function step(sequence: number, upTo: number, order: number, over: Partial<CoverageStep> = {}): CoverageStep {
  return {
    position: at(sequence),
    sequence,
    storedMs: sequence * MINUTE,
    partition: 0,
    ruleSet: `set${order}`,
    order,
    read: { [LIVE]: upTo },
    positions: { [LIVE]: at(upTo) },
    ...over,
  };
}

const rowsOf = (ledger: CoverageLedger, tenant = 'acme'): unknown[] =>
  [...ledger.rows({ tenant })].map(({ minuteMs, order, events, firstSequence, lastSequence }) => [
    minuteMs / MINUTE,
    order,
    events,
    firstSequence,
    lastSequence,
  ]);

describe('coverage ledger', () => {
  it('counts events under the rule set of the step that read past them, whichever it hears of first', () => {
    using framesFirst = openCoverageLedger({ path: ':memory:' });
    addFrames(framesFirst, 1, 6);
    expect(rowsOf(framesFirst)).toEqual(Array.from({ length: 6 }, (_, i) => [0, -2, 2, i + 1, i + 1]));
    framesFirst.applySteps([step(1, 4, 1), step(2, 6, 2)], new Map());
    using stepsFirst = openCoverageLedger({ path: ':memory:' });
    stepsFirst.applySteps([step(1, 4, 1), step(2, 6, 2)], new Map());
    addFrames(stepsFirst, 1, 3);
    addFrames(stepsFirst, 4, 6);
    const wanted = [
      [0, 1, 8, 1, 4],
      [0, 2, 4, 5, 6],
    ];
    expect(rowsOf(framesFirst)).toEqual(wanted);
    expect(rowsOf(stepsFirst)).toEqual(wanted);
    expect(rowsOf(stepsFirst, 'globex')).toEqual([]);
  });

  it('does not say of events by which rules they were judged where the steps of then are gone', () => {
    using ledger = openCoverageLedger({ path: ':memory:' });
    addFrames(ledger, 1, 4);
    ledger.applySteps([step(50, 3, 5), step(51, 4, 5)], new Map());
    expect(rowsOf(ledger)).toEqual([
      [0, -1, 6, 1, 3],
      [0, 5, 2, 4, 4],
    ]);
    expect(ledger.marks(60 * MINUTE)).toEqual([{ partition: 0, read: { [LIVE]: at(4) } }]);
    expect(ledger.marks(50 * MINUTE)).toEqual([{ partition: 0, read: { [LIVE]: at(3) } }]);
  });

  it('counts nothing twice when steps come again, or say less than is known', () => {
    using ledger = openCoverageLedger({ path: ':memory:' });
    addFrames(ledger, 1, 4);
    ledger.applySteps([step(1, 4, 1)], new Map());
    ledger.applySteps([step(1, 4, 1), step(2, 2, 2)], new Map());
    expect(rowsOf(ledger)).toEqual([[0, 1, 8, 1, 4]]);
  });

  it('remembers what catch-ups have judged, for their rules and tenant only', () => {
    using ledger = openCoverageLedger({ path: ':memory:' });
    const ranges = [{ stream: LIVE, partition: 0, after: 0, upTo: 4 }];
    const caughtUp = { job: 'j', tenant: 'acme', rules: [{ id: 'r', version: 'v' }], ranges };
    for (let i = 0; i < 2; i++) ledger.applySteps([step(3, 0, 1, { partition: -1, read: {}, positions: {}, caughtUp })], new Map());
    expect(ledger.caughtUp('acme', 'r')).toEqual([{ ...ranges[0], version: 'v' }]);
    expect(ledger.caughtUp('acme', 'other')).toEqual([]);
    expect(ledger.caughtUp('globex', 'r')).toEqual([]);
  });

  it('counts dead letters while nobody has handled them', () => {
    using ledger = openCoverageLedger({ path: ':memory:' });
    const letter = { position: at(1), subject: 's', tenant: 'acme', source: 'edr', consumer: 'match', scope: '', atMs: 5, isOpen: true };
    ledger.applyLetters([letter, { ...letter, subject: 't' }, { ...letter, subject: 'u', consumer: 'store' }]);
    expect(ledger.letters({ tenant: 'acme' })).toEqual([{ source: 'edr', scope: '', atMs: 5, events: 2 }]);
    ledger.applyLetters([{ ...letter, position: at(2), isOpen: false }]);
    expect(ledger.letters({ tenant: 'acme' })).toMatchObject([{ events: 1 }]);
  });

  it('forgets what the log no longer keeps, and the lists of sets that judged nothing that is left', () => {
    using ledger = openCoverageLedger({ path: ':memory:' });
    addFrames(ledger, 1, 9);
    ledger.applySteps(
      [step(1, 3, 1), step(2, 9, 2)],
      new Map([
        ['set1', new Uint8Array([1])],
        ['set2', new Uint8Array([2])],
      ]),
    );
    ledger.forget(LIVE, 5, 0);
    expect(rowsOf(ledger)).toEqual([[0, 2, 12, 4, 9]]);
    expect(ledger.ruleSets().map(({ ruleSet }) => ruleSet)).toEqual(['set2']);
    expect([ledger.knowsList('set1'), ledger.knowsList('set2')]).toEqual([false, true]);
    ledger.forget(LIVE, 100, 0);
    expect(rowsOf(ledger)).toEqual([]);
    // Up to where it is read is still known: nothing is counted under another set.
    addFrames(ledger, 10, 10);
    ledger.applySteps([step(3, 10, 3)], new Map());
    expect(rowsOf(ledger)).toEqual([[1, 3, 2, 10, 10]]);
  });

  it('is rebuilt from the log to the same content, in whatever batches it comes', () => {
    const folder = mkdtempSync(join(tmpdir(), 'coverage-'));
    const build = (name: string, batch: number): string => {
      const path = join(folder, name);
      {
        using ledger = openCoverageLedger({ path });
        for (let i = 1; i <= 40; i += batch) {
          const to = Math.min(40, i + batch - 1);
          addFrames(ledger, i, to, { source: 'a', late: 1 });
          const steps = Array.from({ length: to - i + 1 }, (_, k) => step(i + k, i + k, 1 + Math.floor((i + k) / 15)));
          if (batch % 2 === 0) ledger.applySteps(steps, new Map());
          else for (const one of steps) ledger.applySteps([one], new Map());
        }
      }
      using db = new DatabaseSync(path);
      const tables = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").all();
      const dump = (table: unknown): string[] =>
        db
          .prepare(`SELECT * FROM ${String(table)}`)
          .all()
          .map((row) => JSON.stringify(row))
          .sort();
      return JSON.stringify(tables.map(({ name: table }) => [table, dump(table)]));
    };
    const [one, seven, ten] = [build('one', 1), build('seven', 7), build('ten', 10)];
    rmSync(folder, { recursive: true });
    expect(seven).toBe(one);
    expect(ten).toBe(one);
    expect(one).toContain('\\"late\\":5');
  });
});
