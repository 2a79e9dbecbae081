/**
 * The frame catalogue: which frames the log holds and what each source has sent, as a projection of EVENTS. Duplicates
 * are told by the caller, who runs the dedup fold of `core`; gaps are counted exactly from the frames' ordinals.
 */
import type { FrameHeader, Position } from '@tocsin/core';
import { openProjection, type Projection, type ProjectionOptions } from './projection.ts';

/** What one frame brought, source by source. */
export interface CataloguedFrame {
  readonly stream: string;
  readonly position: Position;
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

/** Events that never reached the log although their frame was numbered. */
export interface Gap {
  readonly partition: number;
  readonly epoch: string;
  readonly missing: number;
}

/** The open catalogue. */
export interface FrameCatalogue extends Disposable {
  applied(stream: string): Position | undefined;
  /** Applies frames of one stream in order, all in one transaction with the last one's position. */
  apply(frames: readonly CataloguedFrame[]): void;
  /** Notes that a stream was read up to a message that is no frame: nobody waits for it any more. */
  pass(stream: string, position: Position): void;
  /** Totals per source of one tenant, by name. */
  sources(tenant: string): readonly SourceTotals[];
  gaps(): readonly Gap[];
  /** Frames and events catalogued, all tenants. */
  totals(): { readonly frames: number; readonly events: number; readonly duplicates: number };
  /** Forgets frames received before this time; totals stay. Resolves with how many went. */
  prune(beforeMs: number): number;
}

const SCHEMA = {
  version: 1,
  sql: `
    CREATE TABLE frames (
      stream TEXT NOT NULL, position TEXT NOT NULL, tenant TEXT NOT NULL, partition INTEGER NOT NULL, frame_id TEXT NOT NULL,
      events INTEGER NOT NULL, min_time_ms INTEGER NOT NULL, max_time_ms INTEGER NOT NULL, received_ms INTEGER NOT NULL,
      PRIMARY KEY (stream, position)
    ) WITHOUT ROWID;
    CREATE INDEX frames_by_time ON frames (tenant, max_time_ms);
    CREATE INDEX frames_by_receipt ON frames (received_ms);
    CREATE TABLE sources (
      tenant TEXT NOT NULL, source TEXT NOT NULL, events INTEGER NOT NULL, duplicates INTEGER NOT NULL, conflicts INTEGER NOT NULL,
      bytes INTEGER NOT NULL, last_time_ms INTEGER NOT NULL, last_received_ms INTEGER NOT NULL,
      PRIMARY KEY (tenant, source)
    ) WITHOUT ROWID;
    CREATE TABLE ordinals (
      stream TEXT NOT NULL, partition INTEGER NOT NULL, epoch TEXT NOT NULL, next INTEGER NOT NULL, missing INTEGER NOT NULL,
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
    apply(frames) {
      const last = frames.at(-1);
      if (last) projection.apply(last.stream, last.position, () => frames.forEach(write));
    },
    pass: (stream, position) => projection.apply(stream, position, () => undefined),
    sources: (tenant) => db.prepare('SELECT * FROM sources WHERE tenant = ? ORDER BY source').all(tenant).map(readTotals),
    gaps: () => db.prepare('SELECT partition, epoch, missing FROM ordinals WHERE missing > 0 ORDER BY partition, epoch').all().map(readGap),
    totals() {
      const row = db.prepare('SELECT frames, events, duplicates FROM totals').get() ?? {};
      return { frames: Number(row['frames']), events: Number(row['events']), duplicates: Number(row['duplicates']) };
    },
    prune: (beforeMs) => Number(db.prepare('DELETE FROM frames WHERE received_ms < ?').run(beforeMs).changes),
    [Symbol.dispose]: () => projection[Symbol.dispose](),
  };
}

function frameWriter({ db }: Projection): (frame: CataloguedFrame) => void {
  const addFrame = db.prepare('INSERT OR REPLACE INTO frames VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)');
  const addTally = db.prepare(
    `INSERT INTO sources VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (tenant, source) DO UPDATE SET events = events + excluded.events,
     duplicates = duplicates + excluded.duplicates, conflicts = conflicts + excluded.conflicts, bytes = bytes + excluded.bytes,
     last_time_ms = max(last_time_ms, excluded.last_time_ms), last_received_ms = max(last_received_ms, excluded.last_received_ms)`,
  );
  const addOrdinal = db.prepare(
    `INSERT INTO ordinals VALUES (:stream, :partition, :epoch, :next, :first) ON CONFLICT (stream, partition, epoch) DO UPDATE SET
     missing = missing + max(0, :first - next), next = max(next, :next)`,
  );
  const addTotals = db.prepare('UPDATE totals SET frames = frames + 1, events = events + ?, duplicates = duplicates + ?');
  return ({ stream, position, header, sources }) => {
    const { tenant, partition, epoch, ordinal, count } = header;
    const receivedMs = Math.max(0, ...sources.map((tally) => tally.lastReceivedMs));
    addFrame.run(stream, position, tenant, partition, header.id, count, header.minTimeMs, header.maxTimeMs, receivedMs);
    addOrdinal.run({ stream, partition, epoch, next: ordinal + count, first: ordinal });
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
  return { partition: Number(row['partition']), epoch: String(row['epoch']), missing: Number(row['missing']) };
}
