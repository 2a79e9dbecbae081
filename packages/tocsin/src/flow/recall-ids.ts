/**
 * Recalls the ids of the last minutes from the log into the intake, so that a resend after a restart is answered `duplicate` with the
 * position of the first. Until it is done such a resend is stored again, and left out by whoever reads.
 */
import { crc32 } from 'node:zlib';
import type { ReplayLog } from '@tocsin/bus';
import type { FrameView, Lane, Position } from '@tocsin/core';
import { DEFAULT_MAX_EARLY_IDS, type Intake, type StoredEvent } from '@tocsin/ingest';
import { DEDUP_WINDOW_MS } from '../duties/frame-dedup.ts';
import { openFed } from '../duties/frame-feed.ts';
import type { StoreApi } from '../duties/store-api.ts';
import type { ThreadClient } from '../duties/thread-call.ts';
import { EVENTS_STREAM, eventsFilter } from '../subjects.ts';

/** What it works with. */
export interface RecallGround {
  readonly bus: Pick<ReplayLog, 'read' | 'get'>;
  readonly store: Pick<ThreadClient<StoreApi>, 'recent'>;
  readonly intake: Pick<Intake, 'remember'>;
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

/** Of each lane a part of what the intake remembers: what comes in meanwhile keeps its place. */
const IDS_PER_LANE = DEFAULT_MAX_EARLY_IDS / 4;
const LANES: readonly Lane[] = ['live', 'bulk'];

/** Resolves with how many ids were recalled. Aborting leaves those recalled so far. @throws bus errors, api.duty_down, the signal's reason */
export async function recallIds(ground: RecallGround): Promise<number> {
  let recalled = 0;
  for (const lane of LANES) {
    const newest = { sinceMs: ground.nowMs - DEDUP_WINDOW_MS, events: IDS_PER_LANE };
    const from = await ground.store.recent(EVENTS_STREAM[lane], newest);
    if (from !== undefined) recalled += await recallFrom(ground, lane, from);
  }
  return recalled;
}

async function recallFrom({ bus, intake, signal }: RecallGround, lane: Lane, from: Position): Promise<number> {
  // `from` itself is wanted too, and reading goes on behind a position.
  const [first] = await bus.get([from]);
  let recalled = first === undefined ? 0 : recallFrame(intake, openFed(lane, first).frame, from);
  for await (const stored of bus.read(eventsFilter(lane), { after: from }, { signal })) {
    recalled += recallFrame(intake, openFed(lane, stored).frame, stored.position);
    // The catalogue was behind: older ids would only push newer ones out.
    if (recalled >= DEFAULT_MAX_EARLY_IDS / 2) break;
  }
  return recalled;
}

function recallFrame(intake: RecallGround['intake'], frame: FrameView | undefined, position: Position): number {
  if (frame === undefined) return 0;
  const bySource = new Map<string, StoredEvent[]>();
  for (let index = 0; index < frame.header.count; index++) {
    if (!frame.producerId(index)) continue;
    const event = { id: frame.id(index), contentHash32: crc32(frame.record(index)), at: { position, index } };
    const events = bySource.get(frame.source(index));
    if (events === undefined) bySource.set(frame.source(index), [event]);
    else events.push(event);
  }
  for (const [source, events] of bySource) intake.remember({ tenant: frame.header.tenant, source }, events);
  return [...bySource.values()].reduce((sum, { length }) => sum + length, 0);
}
