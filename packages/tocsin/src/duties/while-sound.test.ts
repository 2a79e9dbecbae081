/** Damage that SQLite meets while a projection is in use, as it tells it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openAlertTable } from '@tocsin/store';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { whileSound } from './while-sound.ts';

/** The first page of SQLite, and that of the positions applied: damage in those is seen when a file is opened. */
const SEEN_BYTES = 2 * 4096;
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tocsin-sound-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('whileSound', () => {
  it('tells damage behind the first pages, which opening does not see, once and in place of the answer', async () => {
    const path = join(folder, 'alerts.sqlite');
    openAlertTable({ path })[Symbol.dispose]();
    const bytes = readFileSync(path);
    expect(bytes.length).toBeGreaterThan(SEEN_BYTES);
    writeFileSync(path, bytes.fill(0x55, SEEN_BYTES));
    using table = openAlertTable({ path });
    const told: unknown[] = [];
    const answers = whileSound({ list: () => table.list({ tenant: 'acme', limit: 1 }), other: () => 7 }, (error) => {
      told.push(error);
      return new Error('built anew');
    });
    await expect(answers.list()).rejects.toThrow('built anew');
    expect(told).toHaveLength(1);
    expect(await answers.other()).toBe(7);
  });

  it('leaves other failures as they are', async () => {
    const refuse = (): never => {
      throw new Error('no such tenant');
    };
    await expect(whileSound({ refuse }, () => new Error('damaged')).refuse()).rejects.toThrow('no such tenant');
  });
});
