/**
 * The memories of all detectors: takes the steps of MATCHES in log order and gives the alerts that changed. Bounded: the group touched
 * longest ago is forgotten first, and counted. A detector that throws keeps the state it had; the match is told and passed.
 */
import { type Alert, type AlertOrigin, type Match, type MatchStep, sourceKey, tenantKey } from '@tocsin/core';
import { alertOf, type Episode, openEpisode, showMatch } from '../correlate/episode.ts';
import { decodeJson, EPISODE_GAP_MS, encodeJson } from '../correlate/fold.ts';
import type { OwnsKey } from '../correlate/fold-share.ts';
import { createWatermarkBoard, type TimeLane, type WatermarkBoard } from '../correlate/watermark-board.ts';
import type { DetectorAlert, DetectorStep, LoadedDetector } from './detector.ts';

/** A match that a detector could not take. */
export interface FoldFailure {
  readonly ruleId: string;
  /** Place among the step's matches; -1 where the watermark was being told. */
  readonly index: number;
  readonly cause: unknown;
}

/** How memories are kept. */
export interface DetectorMemories {
  /** Those of a checkpoint. */
  readonly saved?: Uint8Array | undefined;
  /** Of one shard among several: whether a key is its own. */
  readonly owns?: OwnsKey | undefined;
}

/** What steps are taken with. */
export interface DetectorFoldOptions {
  /** Whether to pass over a match of the step: it was set aside before. */
  skip?: ((index: number) => boolean) | undefined;
  /** Told before a detector is given a match, or the watermark (-1). */
  onAsk?: ((index: number, detector: number) => void) | undefined;
  onFailure(failure: FoldFailure): void;
  readonly origin?: AlertOrigin | undefined;
}

/** Groups that one detector may remember. */
const MAX_GROUPS = 20_000;

interface Group {
  readonly tenant: string;
  readonly key: string;
  state: unknown;
  episode?: Episode | undefined;
  dueMs: number | null;
}

interface Lane extends TimeLane {
  readonly sources: Set<string>;
}

interface Memory {
  readonly place: number;
  readonly loaded: LoadedDetector;
  readonly groups: Map<string, Group>;
  /** Event time by tenant. */
  readonly lanes: Map<string, Lane>;
  /** Event time before which no group has anything to do. */
  nextMs: number;
}

interface Saved {
  readonly watermarks: readonly (readonly [string, number])[];
  readonly evicted: number;
  readonly detectors: readonly {
    readonly id: string;
    readonly version: number;
    readonly lanes: readonly (readonly [tenant: string, watermarkMs: number | null, sources: readonly string[]])[];
    readonly groups: readonly Group[];
  }[];
}

/** Memories of a set of detectors, with the states of a checkpoint where there is one. */
export class DetectorFolds {
  readonly #memories = new Map<string, Memory>();
  #board: WatermarkBoard = createWatermarkBoard();
  /** Groups forgotten before their time. */
  evicted = 0;

  readonly #owns: OwnsKey;

  constructor(detectors: readonly LoadedDetector[], { saved, owns = () => true }: DetectorMemories = {}) {
    this.#owns = owns;
    detectors.forEach((loaded, place) => {
      this.#memories.set(loaded.meta.id, { place, loaded, groups: new Map(), lanes: new Map(), nextMs: Number.POSITIVE_INFINITY });
    });
    if (saved !== undefined) this.#restore(decodeJson<Saved>(saved));
  }

  /** Whether matches of this id are a detector's. */
  knows(ruleId: string): boolean {
    return this.#memories.has(ruleId);
  }

  get groups(): number {
    return [...this.#memories.values()].reduce((sum, { groups }) => sum + groups.size, 0);
  }

  /** Alerts that a step changed, each once. */
  advance(step: MatchStep, options: DetectorFoldOptions): Alert[] {
    const changed = new Map<Episode, Memory>();
    step.matches.forEach((match, index) => {
      const memory = this.#memories.get(match.ruleId);
      if (memory !== undefined && options.skip?.(index) !== true) this.#take(memory, match, { index, step, options, changed });
    });
    this.#passTime(step, { options, changed });
    return [...changed].map(([episode, { loaded }]) => {
      episode.revision += 1;
      return alertOf(loaded.meta, episode, { origin: options.origin ?? 'live', added: [] });
    });
  }

  /** All states, for a checkpoint. */
  encode(): Uint8Array {
    const detectors = [...this.#memories.values()].map(({ loaded, groups, lanes }) => ({
      id: loaded.meta.id,
      version: loaded.detector.fold.version,
      lanes: [...lanes].map(
        ([tenant, { watermarkMs, sources }]) => [tenant, Number.isFinite(watermarkMs) ? watermarkMs : null, [...sources]] as const,
      ),
      groups: [...groups.values()],
    }));
    return encodeJson({ watermarks: this.#board.entries(), evicted: this.evicted, detectors } satisfies Saved);
  }

  #take(
    memory: Memory,
    match: Match,
    at: { index: number; step: MatchStep; options: DetectorFoldOptions; changed: Map<Episode, Memory> },
  ): void {
    const { fold } = memory.loaded.detector;
    at.options.onAsk?.(at.index, memory.place);
    try {
      const key = fold.key(match);
      if (key === undefined || !this.#owns(match.tenant, String(key))) return;
      const group = this.#groupOf(memory, match.tenant, String(key));
      this.#board.feed(this.#laneOf(memory, match.tenant), sourceKey(match.tenant, match.evidence.source));
      const outcome = fold.advance(group.state, match);
      this.#settle(memory, group, { outcome, match, ruleSet: at.step.ruleSet, changed: at.changed });
    } catch (cause) {
      at.options.onFailure({ ruleId: memory.loaded.meta.id, index: at.index, cause });
    }
  }

  #passTime(step: MatchStep, { options, changed }: { options: DetectorFoldOptions; changed: Map<Episode, Memory> }): void {
    this.#board.update(step.watermarks);
    for (const memory of this.#memories.values()) {
      const moved = new Set<string>();
      for (const [tenant, lane] of memory.lanes) if (this.#board.advance(lane) && lane.watermarkMs >= memory.nextMs) moved.add(tenant);
      if (moved.size === 0) continue;
      // As they are now: a group that is touched moves behind the others.
      for (const group of Array.from(memory.groups.values()))
        if (moved.has(group.tenant)) this.#passGroup(memory, group, { ruleSet: step.ruleSet, options, changed });
      memory.nextMs = Math.min(...[...memory.groups.values()].map(nextOf), Number.POSITIVE_INFINITY);
    }
  }

  #passGroup(memory: Memory, group: Group, at: { ruleSet: string; options: DetectorFoldOptions; changed: Map<Episode, Memory> }): void {
    const { fold } = memory.loaded.detector;
    const { watermarkMs } = this.#laneOf(memory, group.tenant);
    if (group.episode !== undefined && group.episode.lastMs + EPISODE_GAP_MS < watermarkMs) group.episode = undefined;
    if (group.dueMs === null || group.dueMs > watermarkMs || fold.onWatermark === undefined) return;
    at.options.onAsk?.(-1, memory.place);
    try {
      const outcome = fold.onWatermark(group.state, watermarkMs);
      this.#settle(memory, group, { outcome, match: undefined, ruleSet: at.ruleSet, changed: at.changed });
    } catch (cause) {
      group.dueMs = null;
      at.options.onFailure({ ruleId: memory.loaded.meta.id, index: -1, cause });
    }
  }

  #settle(
    memory: Memory,
    group: Group,
    made: { outcome: DetectorStep<unknown>; match: Match | undefined; ruleSet: string; changed: Map<Episode, Memory> },
  ): void {
    const { outcome, match, ruleSet, changed } = made;
    const { fold } = memory.loaded.detector;
    const id = tenantKey(group.tenant, group.key);
    group.state = outcome.state;
    group.dueMs = outcome.state === null ? null : (fold.nextDue?.(outcome.state) ?? null);
    if (outcome.alert !== undefined) changed.set(noteAlert(memory.loaded, group, { alert: outcome.alert, match, ruleSet }), memory);
    memory.groups.delete(id);
    if (outcome.state === null && group.episode === undefined) return;
    if (outcome.state === null) group.state = fold.initial();
    memory.groups.set(id, group);
    memory.nextMs = Math.min(memory.nextMs, nextOf(group));
    if (memory.groups.size <= MAX_GROUPS) return;
    const [oldest] = memory.groups.keys();
    if (oldest !== undefined) memory.groups.delete(oldest);
    this.evicted += 1;
  }

  #groupOf(memory: Memory, tenant: string, key: string): Group {
    return memory.groups.get(tenantKey(tenant, key)) ?? { tenant, key, state: memory.loaded.detector.fold.initial(), dueMs: null };
  }

  #laneOf(memory: Memory, tenant: string): Lane {
    let lane = memory.lanes.get(tenant);
    if (lane === undefined) {
      lane = { sources: new Set(), watermarkMs: Number.NEGATIVE_INFINITY };
      memory.lanes.set(tenant, lane);
    }
    return lane;
  }

  #restore(saved: Saved): void {
    this.#board = createWatermarkBoard(saved.watermarks);
    this.evicted = saved.evicted;
    for (const { id, version, lanes, groups } of saved.detectors) {
      const memory = this.#memories.get(id);
      if (memory === undefined || memory.loaded.detector.fold.version !== version) continue;
      for (const group of groups) {
        if (!this.#owns(group.tenant, group.key)) continue;
        memory.groups.set(tenantKey(group.tenant, group.key), group);
        memory.nextMs = Math.min(memory.nextMs, nextOf(group));
      }
      for (const [tenant, watermarkMs, sources] of lanes) {
        const lane = this.#laneOf(memory, tenant);
        lane.watermarkMs = watermarkMs ?? Number.NEGATIVE_INFINITY;
        for (const source of sources) this.#board.feed(lane, source);
      }
    }
  }
}

/** Puts an alert into the group's open episode, or opens one: what a detector says again within the gap is the same alert, with more behind it. */
function noteAlert(
  { meta, detector }: LoadedDetector,
  group: Group,
  { alert, match, ruleSet }: { alert: DetectorAlert; match: Match | undefined; ruleSet: string },
): Episode {
  const shown = [...(alert.evidence ?? []), ...(match === undefined ? [] : [match])];
  const first = shown[0];
  if (first === undefined) throw new TypeError('an alert without evidence: give the matches that belong to it');
  const isNew = group.episode === undefined || Math.abs(first.timeMs - group.episode.lastMs) > EPISODE_GAP_MS;
  const episode =
    !isNew && group.episode !== undefined
      ? group.episode
      : openEpisode({
          ruleId: meta.id,
          tenant: group.tenant,
          groupKey: group.key,
          groupBy: { [detector.fold.groupName]: group.key },
          ruleSet,
          anchor: { timeMs: first.timeMs, source: first.evidence.source, eventId: first.evidence.eventId },
        });
  episode.ruleSet = ruleSet;
  for (const one of shown) {
    if (episode.evidence.some(({ eventId, source }) => eventId === one.evidence.eventId && source === one.evidence.source)) continue;
    episode.count += 1;
    showMatch(episode, one);
  }
  if (episode.explanation.length < MAX_REASONS) {
    episode.explanation.push({
      selection: 'detector',
      field: detector.fold.groupName,
      value: group.key.slice(0, 256),
      pattern: String(alert.because).slice(0, 512),
    });
  }
  group.episode = episode;
  return episode;
}

/** Reasons that one alert tells. */
const MAX_REASONS = 8;

/** Event time at which a group has something to do next. */
function nextOf({ dueMs, episode }: Group): number {
  return Math.min(
    dueMs ?? Number.POSITIVE_INFINITY,
    episode === undefined ? Number.POSITIVE_INFINITY : episode.lastMs + EPISODE_GAP_MS + 1,
  );
}
