/**
 * What every projection of the log shares: a SQLite file in WAL mode, in which the position applied is written in the
 * same transaction as the data, so that a crash anywhere is "resume from the recorded position". A file made by another
 * schema version, or one that is seen to be damaged when it is opened, is rebuilt from the log, never migrated or mended in place. Damage
 * behind the positions applied shows at the first use of the page it is in: whoever is told it by `isDamaged` removes the file and opens anew.
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
    apply: (stream, position, write) =>
      inTransaction(db, () => {
        write();
        upsert.run(stream, position);
      }),
    [Symbol.dispose]: () => db.close(),
  };
}

/** Does all of it or nothing, and tells why where it is nothing. */
export function inTransaction<T>(db: DatabaseSync, act: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const done = act();
    db.exec('COMMIT');
    return done;
  } catch (error) {
    // SQLite itself rolls back after some errors, a full disk among them (sqlite.org/lang_transaction.html).
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

/** SQLite's result codes for a file that is damaged or no database at all (sqlite.org/rescode.html); the low byte, as extended ones say where. */
const DAMAGED: ReadonlySet<number> = new Set([11, 26]);

/** Whether an error says that a file is damaged: no use of it will go well again. */
export function isDamaged(error: unknown): boolean {
  const { errcode } = (error ?? {}) as { errcode?: unknown };
  return typeof errcode === 'number' && DAMAGED.has(errcode & 0xff);
}

function openAtVersion(path: string, schema: ProjectionSchema): DatabaseSync {
  const db = openSound(path);
  const found = db === undefined ? undefined : versionOf(db);
  if (db !== undefined && found === schema.version && arePositionsSound(db)) return db;
  if (db !== undefined && found === 0) return createTables(db, schema);
  db?.close();
  for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
  return openAtVersion(path, schema);
}

/** Whether the positions can be read: they are asked for first, when a process that starts could not go on without. */
function arePositionsSound(db: DatabaseSync): boolean {
  try {
    db.prepare('SELECT stream, position FROM applied').all();
    return true;
  } catch (error) {
    if (isDamaged(error)) return false;
    throw error;
  }
}

/** In one transaction: a process killed in between must not leave tables that a later start takes for none. */
function createTables(db: DatabaseSync, { version, sql }: ProjectionSchema): DatabaseSync {
  try {
    db.exec(`BEGIN; ${POSITIONS}${sql} PRAGMA user_version = ${version}; COMMIT;`);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function versionOf(db: DatabaseSync): number {
  return Number(db.prepare('PRAGMA user_version').get()?.['user_version']);
}

/** The open file; undefined where it is damaged, which costs a projection nothing but the time to read the log again. */
function openSound(path: string): DatabaseSync | undefined {
  const db = new DatabaseSync(path);
  try {
    // A projection can always be rebuilt, so a power cut may cost its last transactions but must never tear it: WAL with NORMAL.
    db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000;');
    return db;
  } catch (error) {
    db.close();
    if (isDamaged(error)) return undefined;
    throw error;
  }
}
