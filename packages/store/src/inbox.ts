/**
 * The inbox: which events a consumer has handled, written in the same transaction as what it did about them. Redelivered, an event is
 * recognised and nothing is done again. For effects outside of this file it says what was done, not that it cannot be done twice: the other
 * side is given the event's id for that.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '@tocsin/core';
import { openProjection, type ProjectionOptions } from './projection.ts';

/** An open inbox. */
export interface Inbox extends Disposable {
  /** Runs `effect` unless the consumer has handled the event; true when it ran. Both or neither: a throwing effect leaves nothing behind. */
  once(consumer: string, eventId: string, effect: (db: DatabaseSync) => void): boolean;
  /** Whether the consumer has handled the event. */
  has(consumer: string, eventId: string): boolean;
  /** Forgets what was handled before a time, milliseconds since 1970; answers how many. Nothing that old may be delivered again. */
  prune(beforeMs: number): number;
}

const SCHEMA = {
  version: 1,
  sql: `CREATE TABLE handled (consumer TEXT NOT NULL, event_id TEXT NOT NULL, at_ms INTEGER NOT NULL, PRIMARY KEY (consumer, event_id)) WITHOUT ROWID;
CREATE INDEX handled_by_age ON handled (at_ms);`,
};

/** Opens or creates an inbox. The caller disposes it. */
export function openInbox(options: ProjectionOptions & { readonly clock: Clock }): Inbox {
  const file = openProjection(options, SCHEMA);
  const { db } = file;
  const insert = db.prepare('INSERT INTO handled VALUES (?, ?, ?) ON CONFLICT DO NOTHING');
  const select = db.prepare('SELECT 1 FROM handled WHERE consumer = ? AND event_id = ?');
  const remove = db.prepare('DELETE FROM handled WHERE at_ms < ?');
  return {
    once(consumer, eventId, effect) {
      db.exec('BEGIN IMMEDIATE');
      try {
        const isNew = insert.run(consumer, eventId, options.clock.nowMs()).changes === 1;
        if (isNew) effect(db);
        db.exec('COMMIT');
        return isNew;
      } catch (error) {
        // SQLite itself rolls back after some errors, a full disk among them (sqlite.org/lang_transaction.html).
        if (db.isTransaction) db.exec('ROLLBACK');
        throw error;
      }
    },
    has: (consumer, eventId) => select.get(consumer, eventId) !== undefined,
    prune: (beforeMs) => Number(remove.run(beforeMs).changes),
    [Symbol.dispose]: () => file[Symbol.dispose](),
  };
}
