/** Projections are worth nothing: deleted, they are built anew from the log, row by row as they were. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { needs } from '../../packages/ingest/test/needs.ts';
import { notRunnable } from '../faults/not-runnable.ts';
import { waitFor } from '../faults/wait-for.ts';
import { beat, Program, wordRule } from './program.ts';

const missing = notRunnable();

/** Idle sources make the matcher write steps without events as long as it runs: the log itself moves on. */
const MOVES_ON = /^coverage\.sqlite (marks|applied \{"stream":"MATCHES")/;

/** The first page of SQLite, and that of the positions applied: damage in those is seen when a file is opened. */
const SEEN_BYTES = 2 * 4096;

/** Every row of every table of every projection, sorted. */
function dump(dataDir: string): string[] {
  const folder = join(dataDir, 'store');
  const files = readdirSync(folder).filter((name) => name.endsWith('.sqlite'));
  return files
    .flatMap((file) => {
      using db = new DatabaseSync(join(folder, file), { readOnly: true });
      const tables = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
      return tables.flatMap(({ name }) =>
        db
          .prepare(`SELECT * FROM "${String(name)}"`)
          .all()
          .map((row) => `${file} ${String(name)} ${JSON.stringify(row)}`),
      );
    })
    .filter((line) => !MOVES_ON.test(line))
    .sort();
}

describe('projections', needs(missing), () => {
  let program: Program;
  let before: string[] = [];

  beforeAll(async () => {
    program = await Program.start({ rules: { 'bad.yml': wordRule('bad', 'bad'), 'odd.yml': wordRule('odd', 'odd') } });
    const live = await program.addSource('edr');
    const other = await program.addSource('siem');
    for (let round = 0; round < 5; round++) {
      await program.post(live, JSON.stringify([beat('bad', { host: `h${round % 2}` }), beat('odd', { id: `o${round}` }), beat('good')]));
      await program.post(other, JSON.stringify(Array.from({ length: 20 }, (_, i) => beat('bad', { host: `x${i % 3}`, round }))));
    }
    await program.settle();
    const [first, second] = await program.alerts();
    await program.call('POST', `/alerts/${first?.id}/acknowledge`, { body: { note: 'seen' } });
    await program.call('POST', `/alerts/${second?.id}/resolve`, { body: {} });
    await program.settle();
    before = dump(program.dataDir);
  });
  afterAll(() => program?.[Symbol.asyncDispose]());

  test('deleted, they come back with equal rows', async () => {
    const tables = new Set(before.map((line) => line.split(' ').slice(0, 2).join(' ')));
    for (const table of [
      'alerts.sqlite alerts',
      'alerts.sqlite acts',
      'alerts.sqlite applied',
      'frames.sqlite frames',
      'frames.sqlite sources',
      'frames.sqlite ordinals',
    ])
      expect(tables).toContain(table);
    await program.stop();
    for (const name of readdirSync(join(program.dataDir, 'store'))) rmSync(join(program.dataDir, 'store', name), { recursive: true });
    await program.restart();
    await program.settle();
    expect(dump(program.dataDir)).toEqual(before);
  });

  test('damaged where opening them does not see it, they come back with equal rows', async () => {
    await program.stop();
    for (const name of readdirSync(join(program.dataDir, 'store')).filter((file) => file.endsWith('.sqlite'))) {
      const path = join(program.dataDir, 'store', name);
      const bytes = readFileSync(path);
      expect(bytes.length).toBeGreaterThan(SEEN_BYTES);
      writeFileSync(path, bytes.fill(0x55, SEEN_BYTES));
    }
    await program.restart();
    await waitFor(() => (program.stderr.includes('damaged') ? true : undefined), {
      what: () => `the damage to be told; ${program.stderr.slice(-2000)}`,
      withinMs: 20_000,
    });
    await program.settle();
    expect(dump(program.dataDir)).toEqual(before);
  });

  test('an operator may have them built anew while everything runs', async () => {
    const admin = await program.addCredential('acme', { roles: ['admin'] });
    expect((await program.call('POST', '/projections/rebuild', { token: admin, body: {} })).status).toBe(403);
    expect((await program.call('POST', '/projections/rebuild', { body: {} })).body).toEqual({ rebuilt: true });
    await program.settle();
    expect(dump(program.dataDir)).toEqual(before);
  });
});
