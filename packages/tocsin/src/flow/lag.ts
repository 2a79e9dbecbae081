/** How far everybody who reads the log is behind: messages, events, bytes and age, against thresholds. Messages and age are exact, events and bytes as the frame catalogue knows them. */
import { encodePosition, parsePosition, type ReplayLog } from '@tocsin/bus';
import type { Clock, Position } from '@tocsin/core';
import type { InstallationSettings } from '../config/settings.ts';
import type { StoreApi } from '../duties/store-api.ts';
import type { ThreadClient } from '../duties/thread-call.ts';
import { EVENTS_STREAM } from '../subjects.ts';
import { type Reader, type SurveyedStream, sequenceOf } from './survey.ts';

/** How bad it is. */
export type LagLevel = 'ok' | 'warn' | 'critical';

/** One reader of one stream. */
export interface Lag {
  readonly stream: string;
  readonly reader: string;
  /** Messages stored and not yet read. */
  readonly messages: number;
  /** Events in them; messages where a message is no frame. */
  readonly events: number;
  readonly bytes: number;
  /** How long the oldest of them has been stored, milliseconds. */
  readonly ageMs: number;
  readonly level: LagLevel;
  /** False where the reader did not answer: it is where it was last seen. */
  readonly isCurrent: boolean;
}

/** What is asked. */
export interface LagSources {
  readonly bus: Pick<ReplayLog, 'get' | 'read'>;
  readonly clock: Clock;
  readonly store: Pick<ThreadClient<StoreApi>, 'after'>;
  readonly thresholds: InstallationSettings['lag'];
}

/** The lag of every reader. */
export async function measureLag(sources: LagSources, streams: readonly SurveyedStream[]): Promise<Lag[]> {
  const lags = streams.flatMap((stream) => stream.readers.map((reader) => lagOf(sources, stream, reader)));
  return Promise.all(lags);
}

async function lagOf(sources: LagSources, stream: SurveyedStream, reader: Reader): Promise<Lag> {
  const place = { stream: stream.name, reader: reader.name, isCurrent: reader.isCurrent };
  const behind = Math.max(0, sequenceOf(stream.last) - Math.max(reader.sequence, sequenceOf(stream.first) - 1));
  const messages = Math.min(stream.messages, behind);
  if (messages === 0) return { ...place, messages, events: 0, bytes: 0, ageMs: 0, level: 'ok' };
  const [storedMs, size] = await Promise.all([firstUnreadMs(sources, stream, reader), sizeOf(sources, stream, { reader, messages })]);
  const ageMs = storedMs === undefined ? 0 : Math.max(0, sources.clock.nowMs() - storedMs);
  return { ...place, messages, ...size, ageMs, level: levelOf(sources.thresholds, { ageMs, events: size.events }) };
}

/** When the oldest unread message was stored. */
async function firstUnreadMs(
  { bus }: LagSources,
  { first, last, filter }: SurveyedStream,
  { sequence }: Reader,
): Promise<number | undefined> {
  if (first === undefined || last === undefined) return undefined;
  const next = Math.max(sequence + 1, sequenceOf(first));
  const [found] = await bus.get([positionAt(last, next)]);
  if (found !== undefined) return found.storedMs;
  // It was removed by itself: the next that is there.
  for await (const stored of bus.read(filter, next <= sequenceOf(first) ? 'first' : { after: positionAt(last, next) }, { limit: 1 }))
    return stored.storedMs;
  return undefined;
}

/** Position of another message of the same stream. */
export function positionAt(known: Position, sequence: number): Position {
  return encodePosition({ ...parsePosition(known), sequence });
}

async function sizeOf(
  { store }: LagSources,
  stream: SurveyedStream,
  { reader, messages }: { reader: Reader; messages: number },
): Promise<{ events: number; bytes: number }> {
  const average = stream.messages === 0 ? 0 : stream.bytes / stream.messages;
  if (!Object.values(EVENTS_STREAM).includes(stream.name)) return { events: messages, bytes: Math.round(messages * average) };
  const known = await store.after(stream.name, reader.sequence).catch(() => ({ frames: 0, events: 0, bytes: 0 }));
  // What the catalogue itself has not read yet is taken for as large as the rest.
  const rest = Math.max(0, messages - known.frames);
  const perFrame = known.frames === 0 ? 1 : known.events / known.frames;
  return { events: Math.round(known.events + rest * perFrame), bytes: Math.round(known.bytes + rest * average) };
}

function levelOf(thresholds: LagSources['thresholds'], { ageMs, events }: { ageMs: number; events: number }): LagLevel {
  const isBeyond = (age: number, count: number): boolean => ageMs >= age || (count > 0 && events >= count);
  if (isBeyond(thresholds.criticalAge, thresholds.criticalEvents)) return 'critical';
  return isBeyond(thresholds.warnAge, thresholds.warnEvents) ? 'warn' : 'ok';
}
