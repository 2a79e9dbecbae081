/**
 * The frame catalogue: which frames the log holds and what each source has sent, as a projection of EVENTS. Duplicates
 * are told by the caller, who runs the dedup fold of `core`; gaps are counted exactly from the frames' ordinals. Where the log itself has
 * a hole (retention took something), what is missing from the ordinals was removed, not refused.
 */
import type { FrameHeader, Position } from '@tocsin/core';
import { inTransaction, openProjection, type Projection, type ProjectionOptions } from './projection.ts';

/** What one frame brought, source by source. */
export interface CataloguedFrame {
  readonly stream: string;
  readonly position: Position;
  /** Number of the message in its stream: one more than that of the message before it, unless that was removed. From 1. */
  readonly sequence: number;
  /** Size as stored. */
  readonly bytes: number;
  readonly header: FrameHeader;
  readonly sources: readonly SourceTally[];
}

/** What one source contributed to a frame. */
export interface SourceTally {
  readonly source: string;
  /** Events, first copies only; resent copies; same id with other content (kept and counted among the events). */
  readonly events: number;
  readonly duplicates: number;
  readonly conflicts: number;
  readonly bytes: number;
  /** Newest event time and receive time, milliseconds since 1970. */
  readonly lastTimeMs: number;
  readonly lastReceivedMs: number;
}

/** A source's totals since the catalogue's first frame. */
export interface SourceTotals extends SourceTally {
  readonly tenant: string;
}

/** Events that were numbered but are not in the catalogue. */
export interface Gap {
  readonly partition: number;
  readonly epoch: string;
  /** Never stored: refused to their sender. */
  readonly missing: number;
  /** Gone from the log before they were catalogued. */
  readonly removed: number;
}

/** What a tenant has in the log. */
export interface Kept {
  readonly tenant: string;
  readonly frames: number;
  readonly events: number;
  readonly bytes: number;
}

/** How much is to go: so many bytes and events, and whatever was received before a time (milliseconds since 1970). */
export interface Going {
  readonly bytes: number;
  readonly events: number;
  readonly beforeMs: number;
}

/** Frames of a stream that the log no longer keeps: up to and including a number, of one tenant or of all. */
export interface Removed {
  readonly stream: string;
  readonly upTo: number;
  readonly tenant?: string | undefined;
}

/** The open catalogue. */
export interface FrameCatalogue extends Disposable {
  applied(stream: string): Position | undefined;
  /** Applies frames of a stream in order, all in one transaction with the position it was read up to: behind the last of them where messages follow that are no frames. */
  apply(stream: string, position: Position, frames: readonly CataloguedFrame[]): void;
  /** Totals per source of one tenant, by name. */
  sources(tenant: string): readonly SourceTotals[];
  gaps(): readonly Gap[];
  /** Frames and events catalogued, all tenants. */
  totals(): { readonly frames: number; readonly events: number; readonly duplicates: number };
  /** Forgets frames that the log no longer keeps; totals stay. Answers how many went. */
  forget(removed: Removed): number;
  /** What each tenant has in the log. */
  kept(): readonly Kept[];
  /** Up to where one tenant's oldest frames, of all streams by receipt, must go so that at least so much does: one entry per stream. */
  oldest(tenant: string, going: Going): readonly { readonly stream: string; readonly position: Position; readonly sequence: number }[];
  /** Where the newest frames of a stream begin that were received since `sinceMs` and hold at most so many events; undefined where there are none. */
  recent(stream: string, newest: { readonly sinceMs: number; readonly events: number }): Position | undefined;
  /** Frames, events and bytes after a number of a stream. */
  after(stream: string, sequence: number): { readonly frames: number; readonly events: number; readonly bytes: number };
}

const SCHEMA = {
  version: 2,
  sql: `
    CREATE TABLE frames (
      stream TEXT NOT NULL, sequence INTEGER NOT NULL, position TEXT NOT NULL, tenant TEXT NOT NULL, partition INTEGER NOT NULL,
      frame_id TEXT NOT NULL, events INTEGER NOT NULL, bytes INTEGER NOT NULL, min_time_ms INTEGER NOT NULL, max_time_ms INTEGER NOT NULL,
      received_ms INTEGER NOT NULL, PRIMARY KEY (stream, sequence)
    ) WITHOUT ROWID;
    CREATE INDEX frames_by_time ON frames (tenant, max_time_ms);
    CREATE INDEX frames_by_receipt ON frames (tenant, received_ms);
    CREATE TABLE kept (tenant TEXT PRIMARY KEY, frames INTEGER NOT NULL, events INTEGER NOT NULL, bytes INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE streams (stream TEXT PRIMARY KEY, sequence INTEGER NOT NULL, hole INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE sources (
      tenant TEXT NOT NULL, source TEXT NOT NULL, events INTEGER NOT NULL, duplicates INTEGER NOT NULL, conflicts INTEGER NOT NULL,
      bytes INTEGER NOT NULL, last_time_ms INTEGER NOT NULL, last_received_ms INTEGER NOT NULL,
      PRIMARY KEY (tenant, source)
    ) WITHOUT ROWID;
    CREATE TABLE ordinals (
      stream TEXT NOT NULL, partition INTEGER NOT NULL, epoch TEXT NOT NULL, next INTEGER NOT NULL, sequence INTEGER NOT NULL,
      missing INTEGER NOT NULL, removed INTEGER NOT NULL,
      PRIMARY KEY (stream, partition, epoch)
    ) WITHOUT ROWID;
    CREATE TABLE totals (one INTEGER PRIMARY KEY CHECK (one = 1), frames INTEGER NOT NULL, events INTEGER NOT NULL, duplicates INTEGER NOT NULL);
    INSERT INTO totals VALUES (1, 0, 0, 0);`,
};

/** Opens or creates the frame catalogue. The caller disposes it. */
export function openFrameCatalogue(options: ProjectionOptions): FrameCatalogue {
  const projection = openProjection(options, SCHEMA);
  const { db } = projection;
  const write = frameWriter(projection);
  return {
    applied: (stream) => projection.applied(stream),
    apply: (stream, position, frames) => projection.apply(stream, position, () => frames.forEach(write)),
    sources: (tenant) => db.prepare('SELECT * FROM sources WHERE tenant = ? ORDER BY source').all(tenant).map(readTotals),
    gaps: () =>
      db
        .prepare('SELECT partition, epoch, missing, removed FROM ordinals WHERE missing > 0 OR removed > 0 ORDER BY partition, epoch')
        .all()
        .map(readGap),
    totals() {
      const row = db.prepare('SELECT frames, events, duplicates FROM totals').get() ?? {};
      return { frames: Number(row['frames']), events: Number(row['events']), duplicates: Number(row['duplicates']) };
    },
    ...keptFrames(projection),
    [Symbol.dispose]: () => projection[Symbol.dispose](),
  };
}

/** Questions about the frames themselves, and forgetting them. */
function keptFrames({ db }: Projection): Pick<FrameCatalogue, 'forget' | 'kept' | 'oldest' | 'recent' | 'after'> {
  const forget = ({ stream, upTo, tenant }: Removed): number => {
    const [which, values] = tenant === undefined ? ['', []] : [' AND tenant = ?', [tenant]];
    const going = db
      .prepare(
        `SELECT tenant, count(*) n, sum(events) e, sum(bytes) b FROM frames WHERE stream = ? AND sequence <= ?${which} GROUP BY tenant`,
      )
      .all(stream, upTo, ...values);
    if (going.length === 0) return 0;
    const less = db.prepare('UPDATE kept SET frames = frames - ?, events = events - ?, bytes = bytes - ? WHERE tenant = ?');
    for (const row of going) less.run(Number(row['n']), Number(row['e']), Number(row['b']), String(row['tenant']));
    return Number(db.prepare(`DELETE FROM frames WHERE stream = ? AND sequence <= ?${which}`).run(stream, upTo, ...values).changes);
  };
  return {
    forget: (removed) => inTransaction(db, () => forget(removed)),
    kept: () => db.prepare('SELECT * FROM kept WHERE frames > 0 ORDER BY tenant').all().map(readKept),
    oldest(tenant, going) {
      const found = new Map<string, { stream: string; position: Position; sequence: number }>();
      let [bytes, events] = [0, 0];
      const rows = db.prepare(
        'SELECT stream, sequence, position, bytes, events, received_ms FROM frames WHERE tenant = ? ORDER BY received_ms',
      );
      for (const row of rows.iterate(tenant)) {
        if (bytes >= going.bytes && events >= going.events && Number(row['received_ms']) >= going.beforeMs) break;
        const [stream, sequence] = [String(row['stream']), Number(row['sequence'])];
        const known = found.get(stream);
        if (known === undefined || known.sequence < sequence)
          found.set(stream, { stream, sequence, position: String(row['position']) as Position });
        bytes += Number(row['bytes']);
        events += Number(row['events']);
      }
      return [...found.values()];
    },
    recent(stream, { sinceMs, events }) {
      let found: Position | undefined;
      let sum = 0;
      const newest = db.prepare('SELECT position, events, received_ms FROM frames WHERE stream = ? ORDER BY sequence DESC');
      for (const row of newest.iterate(stream)) {
        if (Number(row['received_ms']) < sinceMs || (sum += Number(row['events'])) > events) break;
        found = String(row['position']) as Position;
      }
      return found;
    },
    after(stream, sequence) {
      const row = db
        .prepare('SELECT count(*) frames, total(events) events, total(bytes) bytes FROM frames WHERE stream = ? AND sequence > ?')
        .get(stream, sequence);
      return { frames: Number(row?.['frames']), events: Number(row?.['events']), bytes: Number(row?.['bytes']) };
    },
  };
}

function frameWriter({ db }: Projection): (frame: CataloguedFrame) => void {
  const addFrame = db.prepare('INSERT OR REPLACE INTO frames VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  const addKept = db.prepare(
    `INSERT INTO kept VALUES (?, 1, ?, ?) ON CONFLICT (tenant) DO UPDATE SET frames = frames + 1, events = events + excluded.events,
     bytes = bytes + excluded.bytes`,
  );
  // A hole before this message, the stream's head included, is remembered by the number behind it.
  const addStream = db.prepare(
    `INSERT INTO streams VALUES (:stream, :sequence, CASE WHEN :sequence > 1 THEN :sequence ELSE 0 END) ON CONFLICT (stream) DO UPDATE SET
     hole = CASE WHEN :sequence > sequence + 1 THEN :sequence ELSE hole END, sequence = :sequence`,
  );
  const holeOf = db.prepare('SELECT hole FROM streams WHERE stream = ?');
  const addTally = db.prepare(
    `INSERT INTO sources VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (tenant, source) DO UPDATE SET events = events + excluded.events,
     duplicates = duplicates + excluded.duplicates, conflicts = conflicts + excluded.conflicts, bytes = bytes + excluded.bytes,
     last_time_ms = max(last_time_ms, excluded.last_time_ms), last_received_ms = max(last_received_ms, excluded.last_received_ms)`,
  );
  const addOrdinal = db.prepare(
    `INSERT INTO ordinals VALUES (:stream, :partition, :epoch, :next, :sequence, CASE WHEN :hole > 0 THEN 0 ELSE :first END,
     CASE WHEN :hole > 0 THEN :first ELSE 0 END) ON CONFLICT (stream, partition, epoch) DO UPDATE SET
     missing = missing + CASE WHEN :hole > sequence THEN 0 ELSE max(0, :first - next) END,
     removed = removed + CASE WHEN :hole > sequence THEN max(0, :first - next) ELSE 0 END, next = max(next, :next), sequence = :sequence`,
  );
  const addTotals = db.prepare('UPDATE totals SET frames = frames + 1, events = events + ?, duplicates = duplicates + ?');
  return ({ stream, position, sequence, bytes, header, sources }) => {
    const { tenant, partition, epoch, ordinal, count } = header;
    const receivedMs = Math.max(0, ...sources.map((tally) => tally.lastReceivedMs));
    addFrame.run(stream, sequence, position, tenant, partition, header.id, count, bytes, header.minTimeMs, header.maxTimeMs, receivedMs);
    addKept.run(tenant, count, bytes);
    addStream.run({ stream, sequence });
    const hole = Number(holeOf.get(stream)?.['hole'] ?? 0);
    addOrdinal.run({ stream, partition, epoch, next: ordinal + count, first: ordinal, sequence, hole });
    let duplicates = 0;
    for (const t of sources) {
      addTally.run(tenant, t.source, t.events, t.duplicates, t.conflicts, t.bytes, t.lastTimeMs, t.lastReceivedMs);
      duplicates += t.duplicates;
    }
    addTotals.run(count, duplicates);
  };
}

function readTotals(row: Record<string, unknown>): SourceTotals {
  return {
    tenant: String(row['tenant']),
    source: String(row['source']),
    events: Number(row['events']),
    duplicates: Number(row['duplicates']),
    conflicts: Number(row['conflicts']),
    bytes: Number(row['bytes']),
    lastTimeMs: Number(row['last_time_ms']),
    lastReceivedMs: Number(row['last_received_ms']),
  };
}

function readGap(row: Record<string, unknown>): Gap {
  return {
    partition: Number(row['partition']),
    epoch: String(row['epoch']),
    missing: Number(row['missing']),
    removed: Number(row['removed']),
  };
}

function readKept(row: Record<string, unknown>): Kept {
  return { tenant: String(row['tenant']), frames: Number(row['frames']), events: Number(row['events']), bytes: Number(row['bytes']) };
}
