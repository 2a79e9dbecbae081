/** The mixed lane taken in once: the frame records that ingest makes of it, for benches that begin behind the door. */

import type { FrameRecord, Position } from '@tocsin/core';
import { createUlidGenerator, systemClock } from '@tocsin/core';
import { createIntake, type Framer, loadMappings, readShippedMappings } from '@tocsin/ingest';
import { atTime, type Lane, readLane } from '../lanes.ts';

const BATCH = 512;

/** Frame records of the lane's first events, in full groups of 512. */
export async function framedLane(lane: Lane): Promise<FrameRecord[][]> {
  const groups: FrameRecord[][] = [];
  const nextId = createUlidGenerator(systemClock);
  const framer: Pick<Framer, 'add'> = {
    async add(_key, records) {
      groups.push([...records]);
      return records.map((_record, index) => ({ position: '' as Position, index }));
    },
  };
  const intake = createIntake({ mappings: loadMappings(readShippedMappings()), framer, clock: systemClock, nextId });
  const lines = atTime(readLane(lane.path), new Date());
  const source = { tenant: 'default', name: 'bench', format: 'auto', lane: 'live', shard: '' } as const;
  for (let at = 0; at + BATCH <= lines.length; at += BATCH) {
    await intake.emit(
      source,
      lines.slice(at, at + BATCH).map((line) => ({ bytes: Buffer.from(line) })),
      { idempotencyKey: `k${at}` },
    );
  }
  return groups.filter((group) => group.length > 0);
}

/** Cut further, so that none of the frames goes over its size limit. */
export function fittingFrames(groups: readonly FrameRecord[][], maxBytes: number): FrameRecord[][] {
  const frames: FrameRecord[][] = [];
  for (const group of groups) {
    let frame: FrameRecord[] = [];
    let bytes = 0;
    for (const record of group) {
      if (frame.length > 0 && bytes + record.record.length > maxBytes) {
        frames.push(frame);
        frame = [];
        bytes = 0;
      }
      frame.push(record);
      bytes += record.record.length;
    }
    frames.push(frame);
  }
  return frames;
}
