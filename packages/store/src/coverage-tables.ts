/** The tables of the coverage ledger and the statements over them. What they are for is in `coverage-ledger.ts`. */
import type { DatabaseSync } from 'node:sqlite';
import type { Position } from '@tocsin/core';
import type {
  CoverageLedger,
  CoverageLetter,
  CoverageQuery,
  CoverageRow,
  CoverageStep,
  CoveredFrame,
  FrameRange,
} from './coverage-ledger.ts';

const MINUTE_MS = 60_000;

/** Version and tables. */
export const COVERAGE_SCHEMA = {
  version: 1,
  sql: `
    CREATE TABLE waiting (
      stream TEXT NOT NULL, partition INTEGER NOT NULL, sequence INTEGER NOT NULL, tenant TEXT NOT NULL, source TEXT NOT NULL,
      mapping TEXT NOT NULL, minute INTEGER NOT NULL, events INTEGER NOT NULL, late INTEGER NOT NULL, received_ms INTEGER NOT NULL,
      PRIMARY KEY (stream, partition, sequence, source, mapping, minute)
    ) WITHOUT ROWID;
    CREATE TABLE tallies (
      tenant TEXT NOT NULL, minute INTEGER NOT NULL, source TEXT NOT NULL, mapping TEXT NOT NULL, stream TEXT NOT NULL,
      partition INTEGER NOT NULL, ord INTEGER NOT NULL, events INTEGER NOT NULL, late INTEGER NOT NULL, first INTEGER NOT NULL,
      last INTEGER NOT NULL, received_ms INTEGER NOT NULL, PRIMARY KEY (tenant, minute, source, mapping, stream, partition, ord)
    ) WITHOUT ROWID;
    CREATE TABLE judged (
      stream TEXT NOT NULL, partition INTEGER NOT NULL, ord INTEGER NOT NULL, after INTEGER NOT NULL, upto INTEGER NOT NULL,
      PRIMARY KEY (stream, partition, ord)
    ) WITHOUT ROWID;
    CREATE TABLE marks (
      partition INTEGER NOT NULL, minute INTEGER NOT NULL, read TEXT NOT NULL, PRIMARY KEY (partition, minute)
    ) WITHOUT ROWID;
    CREATE TABLE orders (ord INTEGER PRIMARY KEY, rule_set TEXT NOT NULL);
    CREATE TABLE lists (rule_set TEXT PRIMARY KEY, list BLOB NOT NULL);
    CREATE TABLE caught (
      tenant TEXT NOT NULL, rule_id TEXT NOT NULL, version TEXT NOT NULL, stream TEXT NOT NULL, partition INTEGER NOT NULL,
      after INTEGER NOT NULL, upto INTEGER NOT NULL, job TEXT NOT NULL,
      PRIMARY KEY (tenant, rule_id, version, stream, partition, after, upto)
    ) WITHOUT ROWID;
    CREATE TABLE letters (
      subject TEXT PRIMARY KEY, tenant TEXT NOT NULL, source TEXT NOT NULL, consumer TEXT NOT NULL, scope TEXT NOT NULL, at_ms INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE newest (
      partition INTEGER NOT NULL, tenant TEXT NOT NULL, source TEXT NOT NULL, time_ms INTEGER NOT NULL,
      PRIMARY KEY (partition, tenant, source)
    ) WITHOUT ROWID;
    CREATE TABLE began (one INTEGER PRIMARY KEY CHECK (one = 1), sequence INTEGER NOT NULL);`,
};

/** Reads and writes of the ledger. */
export type CoverageStatements = ReturnType<typeof coverageStatements>;

/** Statements over an open file. */
export function coverageStatements(db: DatabaseSync) {
  return { ...frameStatements(db), ...stepStatements(db), ...letterStatements(db), ...questions(db), ...questionsOfTime(db) };
}

function frameStatements(db: DatabaseSync) {
  const add = db.prepare('INSERT OR REPLACE INTO waiting VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  const note = db.prepare(
    'INSERT INTO newest VALUES (?, ?, ?, ?) ON CONFLICT (partition, tenant, source) DO UPDATE SET time_ms = max(time_ms, excluded.time_ms)',
  );
  const joined = `FROM waiting w JOIN judged j ON j.stream = w.stream AND j.partition = w.partition AND w.sequence > j.after
    AND w.sequence <= j.upto WHERE w.stream = ? AND w.partition = ?`;
  const move = db.prepare(
    `INSERT INTO tallies SELECT w.tenant, w.minute, w.source, w.mapping, w.stream, w.partition, j.ord, w.events, w.late, w.sequence,
     w.sequence, w.received_ms ${joined} ON CONFLICT (tenant, minute, source, mapping, stream, partition, ord) DO UPDATE SET
     events = events + excluded.events, late = late + excluded.late, first = min(first, excluded.first), last = max(last, excluded.last),
     received_ms = min(received_ms, excluded.received_ms)`,
  );
  const drop = db.prepare(
    `DELETE FROM waiting WHERE stream = ? AND partition = ? AND EXISTS (SELECT 1 FROM judged j WHERE j.stream = waiting.stream
     AND j.partition = waiting.partition AND waiting.sequence > j.after AND waiting.sequence <= j.upto)`,
  );
  return {
    addFrame(stream: string, { sequence, partition, tenant, receivedMs, tallies, newest }: CoveredFrame): void {
      for (const { source, mapping, minuteMs, events, late } of tallies)
        add.run(stream, partition, sequence, tenant, source, mapping, minuteMs, events, late, receivedMs);
      for (const [source, timeMs] of newest) note.run(partition, tenant, source, timeMs);
    },
    /** Adds what has been judged by now to its minutes. */
    settle(stream: string, partition: number): void {
      if (Number(move.run(stream, partition).changes) > 0) drop.run(stream, partition);
    },
  };
}

function stepStatements(db: DatabaseSync) {
  const begin = db.prepare('INSERT OR IGNORE INTO began VALUES (1, ?)');
  const began = db.prepare('SELECT sequence FROM began');
  const last = db.prepare('SELECT max(upto) upto FROM judged WHERE stream = ? AND partition = ?');
  const judge = db.prepare(
    'INSERT INTO judged VALUES (?, ?, ?, ?, ?) ON CONFLICT (stream, partition, ord) DO UPDATE SET upto = max(upto, excluded.upto)',
  );
  const order = db.prepare('INSERT OR REPLACE INTO orders VALUES (?, ?)');
  const mark = db.prepare('INSERT OR REPLACE INTO marks VALUES (?, ?, ?)');
  const markBefore = db.prepare('SELECT read FROM marks WHERE partition = ? AND minute <= ? ORDER BY minute DESC LIMIT 1');
  const caught = db.prepare('INSERT OR IGNORE INTO caught VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
  const list = db.prepare('INSERT OR REPLACE INTO lists VALUES (?, ?)');
  const knows = db.prepare('SELECT 1 FROM lists WHERE rule_set = ?');
  /** What nobody saw being judged was judged all the same: under which set is not known. */
  const startOf = (stream: string, upTo: number, step: CoverageStep): number => {
    if (Number(began.get()?.['sequence']) <= 1) return 0;
    judge.run(stream, step.partition, -1, 0, upTo);
    putMark(0, step.partition, { [stream]: step.positions[stream] });
    return upTo;
  };
  /** A step names the streams that it has read; of the others the mark before still holds. */
  const putMark = (minute: number, partition: number, read: Readonly<Record<string, unknown>>): void => {
    const known = markBefore.get(partition, minute)?.['read'];
    mark.run(partition, minute, JSON.stringify({ ...(known === undefined ? {} : JSON.parse(String(known))), ...read }));
  };
  return {
    /** Streams of which something more is judged. */
    addStep(step: CoverageStep): string[] {
      begin.run(step.sequence);
      for (const { id, version } of step.caughtUp?.rules ?? [])
        for (const { stream, partition, after, upTo } of step.caughtUp?.ranges ?? [])
          caught.run(step.caughtUp?.tenant ?? '', id, version, stream, partition, after, upTo, step.caughtUp?.job ?? '');
      if (step.caughtUp !== undefined) return [];
      order.run(step.order, step.ruleSet);
      putMark(Math.floor(step.storedMs / MINUTE_MS) * MINUTE_MS, step.partition, step.positions);
      return Object.entries(step.read).flatMap(([stream, upTo]) => {
        const before = last.get(stream, step.partition)?.['upto'];
        const after = typeof before === 'number' ? before : startOf(stream, upTo, step);
        if (upTo <= after) return [];
        judge.run(stream, step.partition, step.order, after, upTo);
        return [stream];
      });
    },
    addList: (ruleSet: string, bytes: Uint8Array): void => void list.run(ruleSet, bytes),
    knowsList: (ruleSet: string): boolean => knows.get(ruleSet) !== undefined,
  };
}

function letterStatements(db: DatabaseSync) {
  const add = db.prepare('INSERT OR REPLACE INTO letters VALUES (?, ?, ?, ?, ?, ?)');
  const remove = db.prepare('DELETE FROM letters WHERE subject = ?');
  return {
    addLetter({ subject, tenant, source, consumer, scope, atMs, isOpen }: CoverageLetter): void {
      if (isOpen) add.run(subject, tenant, source, consumer, scope, atMs);
      else remove.run(subject);
    },
  };
}

function questions(db: DatabaseSync): Pick<CoverageLedger, 'newest' | 'rows' | 'mappings' | 'ruleSets' | 'caughtUp' | 'letters'> {
  const within = (query: CoverageQuery) => ({
    tenant: query.tenant,
    source: query.source ?? null,
    fromMs: query.fromMs ?? Number.MIN_SAFE_INTEGER,
    toMs: query.toMs ?? Number.MAX_SAFE_INTEGER,
  });
  return {
    newest: () =>
      db
        .prepare('SELECT * FROM newest')
        .all()
        .map((row) => ({
          partition: Number(row['partition']),
          tenant: String(row['tenant']),
          source: String(row['source']),
          timeMs: Number(row['time_ms']),
        })),
    *rows(query) {
      const where = 'tenant = :tenant AND (:source IS NULL OR source = :source) AND minute >= :fromMs AND minute < :toMs';
      const sql = `SELECT * FROM tallies WHERE ${where} UNION ALL SELECT tenant, minute, source, mapping, stream, partition, -2 AS ord, events, late,
        sequence, sequence, received_ms FROM waiting WHERE ${where} ORDER BY minute`;
      for (const row of db.prepare(sql).iterate(within(query))) yield readRow(row);
    },
    mappings: (tenant) =>
      db
        .prepare('SELECT mapping FROM tallies WHERE tenant = ? UNION SELECT mapping FROM waiting WHERE tenant = ?')
        .all(tenant, tenant)
        .map((row) => String(row['mapping'])),
    ruleSets: () =>
      db
        .prepare('SELECT ord, rule_set, list FROM orders LEFT JOIN lists USING (rule_set) ORDER BY ord')
        .all()
        .map((row) => ({
          order: Number(row['ord']),
          ruleSet: String(row['rule_set']),
          list: row['list'] instanceof Uint8Array ? row['list'] : undefined,
        })),
    caughtUp: (tenant, ruleId) =>
      db
        .prepare('SELECT * FROM caught WHERE tenant = ? AND rule_id = ? ORDER BY stream, partition, after')
        .all(tenant, ruleId)
        .map(readRange),
    letters: (query) =>
      db
        .prepare(
          `SELECT source, scope, min(at_ms) at_ms, count(*) events FROM letters WHERE tenant = :tenant AND (:source IS NULL OR source = :source)
           AND at_ms >= :fromMs AND at_ms < :toMs AND consumer = 'match' GROUP BY source, scope`,
        )
        .all(within(query))
        .map((row) => ({
          source: String(row['source']),
          scope: String(row['scope']),
          atMs: Number(row['at_ms']),
          events: Number(row['events']),
        })),
  };
}

function questionsOfTime(db: DatabaseSync): Pick<CoverageLedger, 'earliestReceipt' | 'marks' | 'forget'> {
  return {
    earliestReceipt(tenant, fromMinuteMs) {
      const found = db.prepare('SELECT min(received_ms) at FROM tallies WHERE tenant = ? AND minute >= ?').get(tenant, fromMinuteMs)?.[
        'at'
      ];
      return typeof found === 'number' ? found : undefined;
    },
    marks: (atMs) =>
      db
        .prepare('SELECT partition, read, max(minute) FROM marks WHERE minute < ? GROUP BY partition')
        .all(Math.floor(atMs / MINUTE_MS) * MINUTE_MS)
        .map((row) => ({ partition: Number(row['partition']), read: JSON.parse(String(row['read'])) as Record<string, Position> })),
    forget: (stream, below, lettersBeforeMs) => forget(db, { stream, below, lettersBeforeMs }),
  };
}

/** Each statement stands for itself: what a crash leaves is forgotten the next time. */
function forget(db: DatabaseSync, { stream, below, lettersBeforeMs }: { stream: string; below: number; lettersBeforeMs: number }): void {
  for (const table of [
    'tallies WHERE stream = ? AND last < ?',
    'waiting WHERE stream = ? AND sequence < ?',
    'caught WHERE stream = ? AND upto < ?',
  ])
    db.prepare(`DELETE FROM ${table}`).run(stream, below);
  // The newest of a partition says up to where it is read, whatever is left of it.
  db.prepare(
    `DELETE FROM judged WHERE stream = ? AND upto < ? AND upto < (SELECT max(upto) FROM judged j WHERE j.stream = judged.stream AND j.partition = judged.partition)`,
  ).run(stream, below);
  db.exec(`DELETE FROM orders WHERE ord NOT IN (SELECT ord FROM judged);
    DELETE FROM lists WHERE rule_set NOT IN (SELECT rule_set FROM orders);`);
  db.prepare('DELETE FROM letters WHERE at_ms < ?').run(lettersBeforeMs);
  db.prepare('DELETE FROM marks WHERE minute < ? AND minute < (SELECT max(minute) FROM marks m WHERE m.partition = marks.partition)').run(
    lettersBeforeMs,
  );
}

function readRow(row: Record<string, unknown>): CoverageRow {
  return {
    source: String(row['source']),
    mapping: String(row['mapping']),
    minuteMs: Number(row['minute']),
    stream: String(row['stream']),
    partition: Number(row['partition']),
    order: Number(row['ord']),
    events: Number(row['events']),
    late: Number(row['late']),
    firstSequence: Number(row['first']),
    lastSequence: Number(row['last']),
    receivedMs: Number(row['received_ms']),
  };
}

function readRange(row: Record<string, unknown>): FrameRange & { readonly version: string } {
  return {
    stream: String(row['stream']),
    partition: Number(row['partition']),
    after: Number(row['after']),
    upTo: Number(row['upto']),
    version: String(row['version']),
  };
}
