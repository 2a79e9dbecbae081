/**
 * What every projection of the log shares: a SQLite file in WAL mode, in which the position applied is written in the
 * same transaction as the data, so that a crash anywhere is "resume from the recorded position". A file made by another
 * schema version is rebuilt from the log, never migrated in place.
 */
import { rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import type { Position } from '@tocsin/core';

/** How a projection's file is opened. */
export interface ProjectionOptions {
  /** Path of the SQLite file; `:memory:` for one that ends with the process. */
  readonly path: string;
}

/** A projection's tables, as SQL, and the number that changes whenever they do. */
export interface ProjectionSchema {
  readonly version: number;
  readonly sql: string;
}

/** An open projection file. */
export interface Projection extends Disposable {
  readonly db: DatabaseSync;
  /** Last position applied per stream name; absent before the first. */
  applied(stream: string): Position | undefined;
  /** Runs `write` and records the position, both or neither. A throwing `write` leaves the file as it was. */
  apply(stream: string, position: Position, write: () => void): void;
}

const POSITIONS = 'CREATE TABLE IF NOT EXISTS applied (stream TEXT PRIMARY KEY, position TEXT NOT NULL) WITHOUT ROWID;';

/** Opens or creates a projection's file. The caller disposes it. */
export function openProjection(options: ProjectionOptions, schema: ProjectionSchema): Projection {
  const db = openAtVersion(options.path, schema);
  const select = db.prepare('SELECT position FROM applied WHERE stream = ?');
  const upsert = db.prepare('INSERT INTO applied VALUES (?, ?) ON CONFLICT (stream) DO UPDATE SET position = excluded.position');
  return {
    db,
    applied: (stream) => select.get(stream)?.['position'] as Position | undefined,
    apply(stream, position, write) {
      db.exec('BEGIN IMMEDIATE');
      try {
        write();
        upsert.run(stream, position);
        db.exec('COMMIT');
      } catch (error) {
        // SQLite itself rolls back after some errors, a full disk among them (sqlite.org/lang_transaction.html).
        if (db.isTransaction) db.exec('ROLLBACK');
        throw error;
      }
    },
    [Symbol.dispose]: () => db.close(),
  };
}

function openAtVersion(path: string, schema: ProjectionSchema): DatabaseSync {
  const db = openFile(path);
  const found = Number(db.prepare('PRAGMA user_version').get()?.['user_version']);
  if (found === schema.version) return db;
  if (found === 0) {
    db.exec(`${POSITIONS}${schema.sql} PRAGMA user_version = ${schema.version};`);
    return db;
  }
  db.close();
  for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
  return openAtVersion(path, schema);
}

function openFile(path: string): DatabaseSync {
  const db = new DatabaseSync(path);
  // A projection can always be rebuilt, so a power cut may cost its last transactions but must never tear it: WAL with NORMAL.
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000;');
  return db;
}
