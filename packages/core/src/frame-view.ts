/**
 * The frame as its readers see it: up to 512 events of one tenant, lane and partition (docs/reference/wire.md).
 * `@tocsin/bus` implements it over bytes; matcher and store read it without knowing the bus.
 */
import type { EventFlag, HotAttributes, Lane, SecurityEvent } from './event.ts';
import type { RecordBatch } from './record-batch.ts';

/** What the framer is asked to frame: an event whose tenant is the frame's. */
export type FrameRecord = Omit<SecurityEvent, 'tenant'>;

/** Clear metadata of a frame: what routing, gap counting and fencing need without opening the rest. */
export interface FrameHeader {
  /** Deterministic id: the same frame sent twice has the same one. */
  readonly id: string;
  readonly tenant: string;
  readonly lane: Lane;
  /** 0 … P-1. */
  readonly partition: number;
  /** Identity of one run of the framer; ordinals count within it, per lane and partition. ULID. */
  readonly epoch: string;
  /** Ordinal of the frame's first event per (lane, partition, epoch), from 0: a jump is a gap of exactly that many events. */
  readonly ordinal: number;
  /** Events in the frame, 1 … 512. */
  readonly count: number;
  /** Earliest and latest event time, milliseconds since 1970. */
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  /** Site where the frame was made. */
  readonly site: string;
}

/** A frame opened for reading. Every index is 0 … `header.count` - 1; byte results are views: copy to keep. */
export interface FrameView {
  readonly header: FrameHeader;
  id(index: number): string;
  source(index: number): string;
  mapping(index: number): string;
  type(index: number): string;
  timeMs(index: number): number;
  receivedMs(index: number): number;
  producerId(index: number): boolean;
  attributes(index: number): HotAttributes;
  flags(index: number): readonly EventFlag[];
  record(index: number): Uint8Array;
  /** All records where they lie. */
  records(): RecordBatch;
  /** The whole event. */
  event(index: number): SecurityEvent;
}
