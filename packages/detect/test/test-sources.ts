/** Log sources and frames for tests: plain objects shown through the seams that production uses. */
import type { Fields, FrameView, HotAttributes, LogSource, Position, RecordBatch, SecurityEvent } from '@tocsin/core';

/** A log source that every rule of this product, service and category is routed to. */
export function logSource(parts: Partial<LogSource> = {}): LogSource {
  return {
    mapping: 'test',
    product: 'test',
    services: [],
    categories: [],
    aliases: {},
    prefixes: [],
    entity: ['device.hostname'],
    ...parts,
  };
}

/** One event of a test frame. */
export interface TestEvent {
  readonly fields: Fields;
  readonly id?: string;
  readonly source?: string;
  readonly mapping?: string;
  readonly timeMs?: number;
  readonly attributes?: HotAttributes;
}

/** A frame over plain objects; records are their JSON. */
export function frameOf(events: readonly TestEvent[], tenant = 'acme'): FrameView {
  const all = events.map(
    (event, index): SecurityEvent => ({
      id: event.id ?? `e${index}`,
      source: event.source ?? 'src',
      type: 'test',
      schemaVersion: 1,
      tenant,
      timeMs: event.timeMs ?? 1000 + index,
      receivedMs: 5000 + index,
      severity: 0,
      classUid: 0,
      activityId: 0,
      mapping: event.mapping ?? 'test',
      attributes: event.attributes ?? {},
      flags: [],
      producerId: true,
      record: new TextEncoder().encode(JSON.stringify(event.fields)),
    }),
  );
  const at = (index: number): SecurityEvent => {
    const event = all[index];
    if (event === undefined) throw new RangeError(`no event ${index}`);
    return event;
  };
  return {
    header: {
      id: 'f',
      tenant,
      lane: 'live',
      partition: 0,
      epoch: 'e',
      ordinal: 0,
      count: all.length,
      minTimeMs: 0,
      maxTimeMs: 0,
      site: 's',
    },
    id: (index) => at(index).id,
    source: (index) => at(index).source,
    mapping: (index) => at(index).mapping,
    type: (index) => at(index).type,
    timeMs: (index) => at(index).timeMs,
    receivedMs: (index) => at(index).receivedMs,
    producerId: (index) => at(index).producerId,
    attributes: (index) => at(index).attributes,
    flags: (index) => at(index).flags,
    record: (index) => at(index).record,
    records: () => batchOf(all.map((event) => event.record)),
    event: at,
  };
}

/** Records one after the other, with a line feed between them. */
export function batchOf(records: readonly Uint8Array[]): RecordBatch {
  const starts = new Uint32Array(records.length);
  const ends = new Uint32Array(records.length);
  let at = 0;
  for (const [index, record] of records.entries()) {
    starts[index] = at;
    ends[index] = at + record.length;
    at += record.length + 1;
  }
  const bytes = new Uint8Array(at).fill(10);
  for (const [index, record] of records.entries()) bytes.set(record, starts[index]);
  return { count: records.length, bytes, starts, ends };
}

/** A position of the log. */
export function position(text: string): Position {
  return text as Position;
}
