/** The spike's fold: per (tenant, source) count, one alert at every 20th event. Pure; duplicates by id are dropped in the log's order. */
import { createHash } from 'node:crypto';
import type { SpikeEvent } from './frame.ts';

/** What the fold remembers; plain JSON, part of the checkpoint. */
export type FoldState = { counts: Record<string, number>; recent: string[] };
/** An alert with a deterministic id. */
export type SpikeAlert = {
  readonly id: string;
  readonly tenant: string;
  readonly key: string;
  readonly anchor: string;
  readonly count: number;
};

/** An alert is raised at each multiple of this count. */
export const alertEvery = 20;

/** Bounds the dedup window by entries; a repeated post follows its original within one post per source. */
const recentEntries = 16_384;

/** Advances a state over events. */
export interface Fold {
  readonly state: FoldState;
  advance(event: SpikeEvent): SpikeAlert | undefined;
}

/** Continues from `state`, which the fold then owns. */
export function createFold(state: FoldState = { counts: {}, recent: [] }): Fold {
  const seen = new Set(state.recent);
  return {
    get state() {
      return { counts: state.counts, recent: [...seen] };
    },
    advance(event) {
      const key = `${event.tenant}/${event.source}`;
      const mark = createHash('sha256').update(`${key}/${event.id}`).digest('base64url').slice(0, 11);
      if (seen.has(mark)) return undefined;
      seen.add(mark);
      if (seen.size > recentEntries) seen.delete(seen.values().next().value ?? '');
      const count = (state.counts[key] ?? 0) + 1;
      state.counts[key] = count;
      if (count % alertEvery !== 0) return undefined;
      const id = createHash('sha256').update(`${event.tenant}\0${key}\0${event.id}`).digest('base64url').slice(0, 22);
      return { id, tenant: event.tenant, key, anchor: event.id, count };
    },
  };
}
