import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@tocsin/core';
import { afterAll, describe, expect, it } from 'vitest';
import { openInbox } from './inbox.ts';

const folder = mkdtempSync(join(tmpdir(), 'tocsin-inbox-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('inbox', () => {
  it('does everything once although all of it is delivered twice, over restarts', () => {
    const path = join(folder, 'twice.sqlite');
    const deliver = (ids: readonly number[]): number[] => {
      using inbox = openInbox({ path, clock: systemClock });
      let total = 0;
      for (const id of ids) {
        inbox.once('tally', `event-${id}`, (db) => {
          db.exec('CREATE TABLE IF NOT EXISTS tally (sum INTEGER)');
          db.prepare('INSERT INTO tally VALUES (?)').run(id);
        });
        inbox.once('other', `event-${id}`, (db) => {
          total = Number(db.prepare('SELECT sum(sum) AS total FROM tally').get()?.['total']);
        });
      }
      return [total];
    };
    const ids = Array.from({ length: 100 }, (_, i) => i + 1);
    expect(deliver(ids)).toEqual([5050]);
    // The same again, in another order: no effect runs.
    expect(deliver([...ids].reverse())).toEqual([0]);
    using inbox = openInbox({ path, clock: systemClock });
    expect(inbox.once('tally', 'event-101', (db) => db.exec('INSERT INTO tally SELECT sum(sum) FROM tally'))).toBe(true);
  });

  it('keeps neither the effect nor the event when the effect throws', () => {
    using inbox = openInbox({ path: ':memory:', clock: systemClock });
    const failing = (): boolean =>
      inbox.once('c', 'e', (db) => {
        db.exec('CREATE TABLE effect (x INTEGER)');
        throw new Error('half way');
      });
    expect(failing).toThrow('half way');
    expect(inbox.has('c', 'e')).toBe(false);
    expect(inbox.once('c', 'e', (db) => db.exec('CREATE TABLE effect (x INTEGER)'))).toBe(true);
    expect(inbox.has('c', 'e')).toBe(true);
  });

  it('tells the cause where SQLite has rolled back by itself', () => {
    using inbox = openInbox({ path: ':memory:', clock: systemClock });
    const full = (): boolean =>
      inbox.once('c', 'e', (db) => {
        db.exec('ROLLBACK');
        throw new Error('the disk is full');
      });
    expect(full).toThrow('the disk is full');
  });

  it('forgets what is older than asked for', () => {
    let nowMs = 1000;
    using inbox = openInbox({ path: ':memory:', clock: { nowMs: () => nowMs, monotonicMs: () => nowMs } });
    inbox.once('c', 'old', () => undefined);
    nowMs = 5000;
    inbox.once('c', 'new', () => undefined);
    expect(inbox.prune(2000)).toBe(1);
    expect([inbox.has('c', 'old'), inbox.has('c', 'new')]).toEqual([false, true]);
  });
});
