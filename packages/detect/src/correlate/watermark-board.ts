/**
 * Watermarks of sources merged for whoever waits on them: a lane of time is one fold's view of one tenant, fed by the sources whose
 * matches it has seen. Its watermark is the least of theirs and never goes back.
 */

/** A source that lags the furthest one by more than this has stopped: waiting for it would hold everything up. */
const IDLE_AFTER_MS = 6 * 3_600_000;

/** One fold's event time for one tenant. */
export interface TimeLane {
  /** Keys (`sourceKey`) of the sources that feed it. */
  readonly sources: Set<string>;
  /** Milliseconds since 1970; -Infinity until every feeding source is known. */
  watermarkMs: number;
}

/** Latest watermark per source, and the lanes each source feeds. */
export interface WatermarkBoard {
  /** Makes a source feed a lane. */
  feed(lane: TimeLane, sourceKey: string): void;
  /** Takes newer watermarks; returns the lanes that they concern, in the order they were first fed. */
  update(watermarks: Readonly<Record<string, number>>): TimeLane[];
  /** Brings a lane up to the latest watermarks; whether its own moved on. */
  advance(lane: TimeLane): boolean;
  /** Latest per source, for checkpoints. */
  entries(): [string, number][];
}

/** Board with the watermarks of a checkpoint, or none. */
export function createWatermarkBoard(known: readonly (readonly [string, number])[] = []): WatermarkBoard {
  const latest = new Map<string, number>(known);
  const fedBy = new Map<string, Set<TimeLane>>();
  return {
    feed: (lane, sourceKey) => {
      if (lane.sources.has(sourceKey) && fedBy.get(sourceKey)?.has(lane) === true) return;
      lane.sources.add(sourceKey);
      const lanes = fedBy.get(sourceKey) ?? new Set();
      fedBy.set(sourceKey, lanes.add(lane));
    },
    update: (watermarks) => {
      const touched = new Set<TimeLane>();
      for (const [sourceKey, watermarkMs] of Object.entries(watermarks)) {
        if (watermarkMs > (latest.get(sourceKey) ?? Number.NEGATIVE_INFINITY)) latest.set(sourceKey, watermarkMs);
        for (const lane of fedBy.get(sourceKey) ?? []) touched.add(lane);
      }
      return [...touched];
    },
    advance: (lane) => advanceLane(lane, latest),
    entries: () => [...latest],
  };
}

function advanceLane(lane: TimeLane, latest: ReadonlyMap<string, number>): boolean {
  let most = Number.NEGATIVE_INFINITY;
  for (const sourceKey of lane.sources) most = Math.max(most, latest.get(sourceKey) ?? Number.NEGATIVE_INFINITY);
  let least = most;
  for (const sourceKey of lane.sources) {
    const watermarkMs = latest.get(sourceKey) ?? Number.NEGATIVE_INFINITY;
    if (watermarkMs >= most - IDLE_AFTER_MS) least = Math.min(least, watermarkMs);
  }
  if (least <= lane.watermarkMs) return false;
  lane.watermarkMs = least;
  return true;
}
