/**
 * Which frames a step of MATCHES was about: those of its partition between what had been read before and what is read with it. Of
 * several steps of one commit only the last says how far it is read; those before it say how many events they hold.
 */
import { comparePositions, parsePosition } from '@tocsin/bus';
import type { Lane, MatchStep, Position } from '@tocsin/core';
import type { FrameRange } from '@tocsin/store';
import type { ReadPositions } from '../duties/partition-progress.ts';
import { EVENT_LANES, EVENTS_STREAM } from '../subjects.ts';
import { PartitionFrames, type PartitionFramesOptions, type ReadFrame } from './partition-frames.ts';

/** A step, and what its partition had been read of before it. */
export interface PlacedStep {
  readonly step: MatchStep;
  readonly before: ReadPositions;
  readonly storedMs: number;
}

/** What was read of a step. */
export interface StepFramesFound {
  readonly frames: readonly ReadFrame[];
  /** Events that the step had judged and that are no longer kept. */
  readonly gone: number;
}

/** Reads the frames of steps, and keeps the ranges of those that are judged. */
export class StepFrames implements AsyncDisposable {
  readonly #options: Pick<PartitionFramesOptions, 'log' | 'signal'>;
  readonly #isSelected: (frame: ReadFrame) => boolean;
  readonly #readers = new Map<string, PartitionFrames>();
  /** Numbers of frames that are left alone, by lane and partition, since the last step that moved on. */
  readonly #leftOut = new Map<string, number[]>();
  /** Partitions of which frames were read whose step has not moved on yet. */
  readonly #pending = new Set<number>();
  readonly #ranges = new Map<string, { stream: string; partition: number; after: number; upTo: number }[]>();

  /** `isSelected`: whether a frame is to be judged at all. */
  constructor(options: Pick<PartitionFramesOptions, 'log' | 'signal'>, isSelected: (frame: ReadFrame) => boolean) {
    this.#options = options;
    this.#isSelected = isSelected;
  }

  /** What was judged so far. */
  get ranges(): readonly FrameRange[] {
    return [...this.#ranges.values()].flat();
  }

  /** Whether no commit has been read in part. */
  get isSettled(): boolean {
    return this.#pending.size === 0;
  }

  /** Goes on from what was judged before. */
  restore(ranges: readonly FrameRange[]): void {
    for (const range of ranges) this.#addRange(range);
  }

  /** The frames of a step that are to be judged, in order. */
  async of(placed: PlacedStep): Promise<StepFramesFound> {
    const { step, before } = placed;
    const moved = EVENT_LANES.filter((lane) => isBehind(before[lane], step.read[lane]));
    const frames: ReadFrame[] = [];
    const wanted = step.judged + step.duplicates;
    let found = 0;
    const note = (lane: Lane, read: ReadFrame): void => {
      found += read.fed.frame?.header.count ?? 0;
      if (this.#isSelected(read)) frames.push(read);
      else this.#leave(lane, read);
    };
    if (moved.length === 0) await this.#counted(placed, wanted, note);
    else
      for (const lane of moved) {
        const reader = await this.#reader(lane, placed);
        for (let read = await reader.take(step.read[lane]); read !== undefined; read = await reader.take(step.read[lane])) note(lane, read);
        this.#close(lane, placed);
      }
    return { frames, gone: Math.max(0, wanted - found) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const reader of this.#readers.values()) await reader[Symbol.asyncDispose]();
  }

  /** The frames of a step that does not say how far it is read: the next ones, so many events of them. */
  async #counted(placed: PlacedStep, wanted: number, note: (lane: Lane, read: ReadFrame) => void): Promise<void> {
    let left = wanted;
    if (left > 0) this.#pending.add(placed.step.partition);
    for (const lane of EVENT_LANES) {
      const reader = await this.#reader(lane, placed);
      while (left > 0) {
        // A frame that came after the step cannot be in it.
        const read = await reader.take(
          undefined,
          ({ stored, frame }) => stored.storedMs <= placed.storedMs && (frame?.header.count ?? 0) <= left,
        );
        if (read === undefined) break;
        left -= read.fed.frame?.header.count ?? 0;
        note(lane, read);
      }
    }
  }

  async #reader(lane: Lane, { step: { partition }, before }: PlacedStep): Promise<PartitionFrames> {
    const key = `${lane}.${partition}`;
    const known = this.#readers.get(key);
    const reader = known ?? new PartitionFrames({ ...this.#options, lane, partition });
    this.#readers.set(key, reader);
    await reader.seek(before[lane]);
    return reader;
  }

  #leave(lane: Lane, { fed }: ReadFrame): void {
    const key = `${lane}.${fed.partition}`;
    this.#leftOut.set(key, [...(this.#leftOut.get(key) ?? []), parsePosition(fed.position).sequence]);
  }

  /** Everything between two positions is judged, but for what was left alone. */
  #close(lane: Lane, { step, before }: PlacedStep): void {
    const { partition } = step;
    const key = `${lane}.${partition}`;
    this.#pending.delete(partition);
    let after = sequenceOf(before[lane]);
    const upTo = sequenceOf(step.read[lane]);
    for (const left of this.#leftOut.get(key) ?? []) {
      this.#addRange({ stream: EVENTS_STREAM[lane], partition, after, upTo: left - 1 });
      after = left;
    }
    this.#leftOut.delete(key);
    this.#addRange({ stream: EVENTS_STREAM[lane], partition, after, upTo });
  }

  #addRange({ stream, partition, after, upTo }: FrameRange): void {
    if (upTo <= after) return;
    const key = `${stream} ${partition}`;
    const list = this.#ranges.get(key) ?? [];
    this.#ranges.set(key, list);
    const last = list.at(-1);
    if (last !== undefined && after <= last.upTo) last.upTo = Math.max(last.upTo, upTo);
    else list.push({ stream, partition, after, upTo });
  }
}

function isBehind(before: Position | undefined, now: Position | undefined): boolean {
  return now !== undefined && (before === undefined || comparePositions(before, now) < 0);
}

function sequenceOf(position: Position | undefined): number {
  return position === undefined ? 0 : parsePosition(position).sequence;
}
