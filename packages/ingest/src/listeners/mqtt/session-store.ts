/**
 * What of sessions outlives the process: subscriptions, messages on their way to devices, packet identifiers that are not released, and retained
 * messages. A small database of the listener's own. What is written in one turn is one transaction; it is there after a kill, and after a loss of
 * power but for the last moments, never half. Where the disk takes nothing, that is told and devices are served from memory.
 */
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { DownlinkMessage, Subscription } from './mqtt-session.ts';

/** A session as it was kept. */
export interface KeptSession {
  readonly key: string;
  readonly deviceKey: string;
  readonly expiryMs: number;
  /** When it ends, milliseconds since 1970; undefined where it was connected. */
  readonly endsAtMs: number | undefined;
  readonly subscriptions: readonly Subscription[];
  readonly received: readonly number[];
  /** Oldest first; with a packet identifier where it was sent and not acknowledged. */
  readonly messages: readonly KeptMessage[];
}

/** A message on its way to a device. */
export interface KeptMessage {
  readonly row: number;
  readonly packetId: number | undefined;
  readonly message: DownlinkMessage;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS session (key TEXT PRIMARY KEY, device TEXT NOT NULL, expiry INTEGER NOT NULL, ends INTEGER) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS subscription (session TEXT, filter TEXT, qos INTEGER NOT NULL, nolocal INTEGER NOT NULL, keeps INTEGER NOT NULL,
    PRIMARY KEY (session, filter)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS received (session TEXT, packet INTEGER, PRIMARY KEY (session, packet)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS message (row INTEGER PRIMARY KEY, session TEXT NOT NULL, packet INTEGER, topic TEXT NOT NULL, payload BLOB NOT NULL,
    retain INTEGER NOT NULL, expires INTEGER, sender TEXT NOT NULL);
  CREATE INDEX IF NOT EXISTS message_session ON message (session, row);
  CREATE TABLE IF NOT EXISTS retained (device TEXT, topic TEXT, payload BLOB NOT NULL, qos INTEGER NOT NULL, expires INTEGER, sender TEXT NOT NULL,
    PRIMARY KEY (device, topic)) WITHOUT ROWID;
`;

type Row = Record<string, string | number | Uint8Array | null>;

/** The store of one listener. Writing never throws. Disposing writes what is open and closes it. */
export class SessionStore implements Disposable {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #onTrouble: (error: unknown) => void;
  #isOpen = false;
  #isClosed = false;
  /** Whether something could not be written, so that identifiers may stand there that were released since. */
  #isBehind = false;
  /** Of the message that was added last: never used again, whatever became of its transaction. */
  #row: number;

  /** Opens or makes it; `onTrouble` is told of each turn that could not be written. @throws errors of SQLite where it is damaged */
  constructor(stateDir: string, onTrouble: (error: unknown) => void) {
    this.#onTrouble = onTrouble;
    this.#db = new DatabaseSync(join(stateDir, 'sessions.sqlite'));
    this.#db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
    this.#db.exec(SCHEMA);
    this.#row = Number(this.#all('SELECT max(row) AS last FROM message')[0]?.['last'] ?? 0);
  }

  /** Every session, the one longest gone first. */
  sessions(): KeptSession[] {
    const rows = this.#all('SELECT * FROM session ORDER BY ends IS NULL, ends');
    return rows.map((row) => {
      const key = String(row['key']);
      return {
        key,
        deviceKey: String(row['device']),
        expiryMs: Number(row['expiry']),
        endsAtMs: optional(row['ends']),
        subscriptions: this.#all('SELECT * FROM subscription WHERE session = ?', key).map((each) => ({
          filter: String(each['filter']),
          qos: qosOf(each['qos']),
          noLocal: each['nolocal'] === 1,
          keepsRetain: each['keeps'] === 1,
        })),
        received: this.#all('SELECT packet FROM received WHERE session = ?', key).map((each) => Number(each['packet'])),
        messages: this.#all('SELECT * FROM message WHERE session = ? ORDER BY row', key).map((each) => ({
          row: Number(each['row']),
          packetId: optional(each['packet']),
          message: messageOf(each, { qos: 1, isRetained: each['retain'] === 1 }),
        })),
      };
    });
  }

  /** Every retained message with the key of the device it belongs to. */
  retained(): { readonly deviceKey: string; readonly message: DownlinkMessage }[] {
    return this.#all('SELECT * FROM retained').map((row) => ({
      deviceKey: String(row['device']),
      message: messageOf(row, { qos: qosOf(row['qos']), isRetained: true }),
    }));
  }

  /** A session is connected, or ends at a time. */
  putSession(key: string, deviceKey: string, { expiryMs, endsAtMs }: { expiryMs: number; endsAtMs: number | undefined }): void {
    this.#run('INSERT OR REPLACE INTO session VALUES (?, ?, ?, ?)', key, deviceKey, expiryMs, endsAtMs ?? null);
  }

  /** A session has ended; nothing of it is kept. */
  endSession(key: string): void {
    this.#run('DELETE FROM session WHERE key = ?', key);
    for (const table of ['subscription', 'received', 'message']) this.#run(`DELETE FROM ${table} WHERE session = ?`, key);
  }

  putSubscription(session: string, { filter, qos, noLocal, keepsRetain }: Subscription): void {
    this.#run('INSERT OR REPLACE INTO subscription VALUES (?, ?, ?, ?, ?)', session, filter, qos, noLocal ? 1 : 0, keepsRetain ? 1 : 0);
  }

  endSubscription(session: string, filter: string): void {
    this.#run('DELETE FROM subscription WHERE session = ? AND filter = ?', session, filter);
  }

  addReceived(session: string, packetId: number): void {
    this.#run('INSERT OR IGNORE INTO received VALUES (?, ?)', session, packetId);
  }

  endReceived(session: string, packetId: number): void {
    this.#run('DELETE FROM received WHERE session = ? AND packet = ?', session, packetId);
  }

  /** A message waits for a session; answers its row. */
  addMessage(session: string, { topic, payload, isRetained, expiresMs, from }: DownlinkMessage): number {
    this.#row += 1;
    const insert = 'INSERT INTO message (row, session, topic, payload, retain, expires, sender) VALUES (?, ?, ?, ?, ?, ?, ?)';
    this.#run(insert, this.#row, session, topic, payload, isRetained ? 1 : 0, expiresMs ?? null, from);
    return this.#row;
  }

  /** A message was sent under an identifier. */
  sent(row: number, packetId: number): void {
    this.#run('UPDATE message SET packet = ? WHERE row = ?', packetId, row);
  }

  endMessage(row: number): void {
    this.#run('DELETE FROM message WHERE row = ?', row);
  }

  putRetained(deviceKey: string, { topic, payload, qos, expiresMs, from }: DownlinkMessage): void {
    this.#run('INSERT OR REPLACE INTO retained VALUES (?, ?, ?, ?, ?, ?)', deviceKey, topic, payload, qos, expiresMs ?? null, from);
  }

  endRetained(deviceKey: string, topic: string): void {
    this.#run('DELETE FROM retained WHERE device = ? AND topic = ?', deviceKey, topic);
  }

  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#commit();
    this.#db.close();
  }

  /** Runs in the turn's transaction. */
  #run(sql: string, ...values: (string | number | Uint8Array | null)[]): void {
    if (this.#isClosed) return;
    try {
      if (!this.#isOpen) this.#begin();
      this.#statement(sql).run(...values);
    } catch (error) {
      this.#failed(error);
    }
  }

  #begin(): void {
    this.#db.exec('BEGIN');
    this.#isOpen = true;
    setImmediate(() => this.#commit());
    // One that was released and still stands there would have a new message taken for a resend, and lost.
    if (this.#isBehind) this.#db.exec('DELETE FROM received');
  }

  #all(sql: string, ...values: string[]): Row[] {
    return this.#statement(sql).all(...values) as Row[];
  }

  #commit(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    try {
      this.#db.exec('COMMIT');
      this.#isBehind = false;
    } catch (error) {
      this.#failed(error);
    }
  }

  /** What the turn wrote so far is not kept: sessions go on in memory. */
  #failed(error: unknown): void {
    this.#isOpen = false;
    this.#isBehind = true;
    this.#onTrouble(error);
    try {
      // SQLite may have ended the transaction itself.
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
    } catch (again) {
      this.#onTrouble(again);
    }
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const made = this.#db.prepare(sql);
    this.#statements.set(sql, made);
    return made;
  }
}

function messageOf(row: Row, { qos, isRetained }: Pick<DownlinkMessage, 'qos' | 'isRetained'>): DownlinkMessage {
  const payload = Buffer.from(row['payload'] as Uint8Array);
  return { topic: String(row['topic']), payload, qos, isRetained, expiresMs: optional(row['expires']), from: String(row['sender']) };
}

function optional(value: Row[string] | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function qosOf(value: Row[string] | undefined): 0 | 1 {
  return value === 0 ? 0 : 1;
}
