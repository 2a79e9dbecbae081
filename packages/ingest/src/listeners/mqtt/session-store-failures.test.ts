/** A disk that takes nothing: sessions go on in memory, that is told, and what is written later is there. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SessionStore } from './session-store.ts';

let folder = '';
const troubles: string[] = [];
const open = (): SessionStore => new SessionStore(folder, (error) => void troubles.push(String(error)));
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const subscription = (filter: string) => ({ filter, qos: 1, noLocal: false, keepsRetain: false }) as const;
const message = (topic: string) =>
  ({ topic, payload: Buffer.from('x'), qos: 1, isRetained: false, expiresMs: undefined, from: 'other' }) as const;

/** Another hand in the database, from outside. */
function outside(sql: string): void {
  const db = new DatabaseSync(join(folder, 'sessions.sqlite'));
  db.exec(sql);
  db.close();
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tocsin-mqtt-store-'));
  troubles.length = 0;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('a commit that fails ends nothing, and the next turn is written', async () => {
  const store = open();
  store.putSession('s', 'device', { expiryMs: 1, endsAtMs: undefined });
  store.addReceived('s', 7);
  await turn();
  // A broken promise is found out by COMMIT alone, as a full disk is.
  outside(`CREATE TABLE promised (id INTEGER PRIMARY KEY);
    CREATE TABLE promise (id REFERENCES promised (id) DEFERRABLE INITIALLY DEFERRED);
    CREATE TRIGGER breaks AFTER INSERT ON subscription BEGIN INSERT INTO promise VALUES (1); END;`);
  store.putSubscription('s', subscription('lost'));
  const lost = store.addMessage('s', message('lost'));
  await turn();
  expect(troubles).toEqual([expect.stringMatching(/FOREIGN KEY/)]);
  outside('DROP TRIGGER breaks');
  // Rows of messages that were not written are not given to others: their ends would end those.
  expect(store.addMessage('s', message('kept'))).toBeGreaterThan(lost);
  store.endMessage(lost);
  store.putSubscription('s', subscription('kept'));
  await turn();
  store[Symbol.dispose]();
  using again = open();
  const [session] = again.sessions();
  expect([session?.subscriptions.map(({ filter }) => filter), session?.messages.map((each) => each.message.topic)]).toEqual([
    ['kept'],
    ['kept'],
  ]);
  // What may have been released meanwhile is not taken for a resend.
  expect(session?.received).toEqual([]);
  expect(troubles.length).toBe(1);
});

test('a database that another holds throws at nobody', async () => {
  const store = open();
  const holder = new DatabaseSync(join(folder, 'sessions.sqlite'));
  holder.exec('BEGIN IMMEDIATE');
  expect(() => store.putSubscription('s', subscription('a'))).not.toThrow();
  await turn();
  expect(troubles).toEqual([expect.stringMatching(/locked/)]);
  holder.exec('ROLLBACK');
  holder.close();
  store.putSession('s', 'device', { expiryMs: 1, endsAtMs: undefined });
  store.putSubscription('s', subscription('b'));
  store[Symbol.dispose]();
  using again = open();
  expect(again.sessions()[0]?.subscriptions.map(({ filter }) => filter)).toEqual(['b']);
});
