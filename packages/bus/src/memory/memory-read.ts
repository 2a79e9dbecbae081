/** Reading a memory stream in order, and watching a bucket: the waits of both, ended by abort and by closing the bus. */
import { TocsinError } from '@tocsin/core';
import type { ReadOptions, Start, Stored, SubjectFilter } from '../event-bus.ts';
import { checkFilter } from '../subject-filter.ts';
import type { MemoryBucket, StateChange } from './memory-bucket.ts';
import type { MemoryServer } from './memory-server.ts';
import type { Entry, MemoryStream } from './memory-stream.ts';

/** A message for a reader to keep: nobody else sees what he does to its bytes. */
export function copyOf(entry: Entry): Stored {
  return { ...entry.message, body: entry.message.body.slice() };
}

/** What is read, and until when. */
interface Range {
  readonly stream: MemoryStream;
  readonly filter: SubjectFilter;
  readonly from: number;
  /** Last sequence wanted. */
  readonly until: number;
}

/** Reads a filter of the server's one stream that has it. `scope` ends every wait. */
export async function* readMemory(
  server: MemoryServer,
  request: { readonly filter: SubjectFilter; readonly from: Start; readonly options: ReadOptions },
  scope: AbortSignal,
): AsyncGenerator<Stored, void, undefined> {
  checkFilter(request.filter);
  const open = { what: `read of ${request.filter}` };
  server.open.add(open);
  try {
    await (request.options.follow ? server.whenUp(scope) : server.reach(scope));
    const range = rangeOf(server, request);
    const most = request.options.limit ?? Number.POSITIVE_INFINITY;
    let next = range.from;
    for (let count = 0; count < most; count++) {
      const entry = await nextEntry(server, { ...range, from: next }, scope);
      if (entry === undefined) return;
      next = entry.sequence + 1;
      yield copyOf(entry);
      if (entry.sequence >= range.until) return;
    }
  } finally {
    server.open.delete(open);
  }
}

/** Present values of a bucket, then its changes. `scope` ends every wait. */
export async function* watchMemory(
  server: MemoryServer,
  bucket: MemoryBucket,
  scope: AbortSignal,
): AsyncGenerator<StateChange, void, undefined> {
  await server.whenUp(scope);
  const open = { what: `watch of ${bucket.spec.name}` };
  server.open.add(open);
  const changes = bucket.watch(server.clock.monotonicMs());
  try {
    for (;;) {
      await server.whenUp(scope);
      bucket.expire(server.clock.monotonicMs());
      const [change] = changes.values();
      if (change === undefined) await server.ringOrTime(bucket.bell, bucket.nextDueMs, scope);
      else {
        changes.delete(change.key);
        yield change;
      }
    }
  } finally {
    bucket.unwatch(changes);
    server.open.delete(open);
  }
}

function rangeOf(
  server: MemoryServer,
  request: { readonly filter: SubjectFilter; readonly from: Start; readonly options: ReadOptions },
): Range {
  const stream = server.stream(request.filter);
  const { until, follow } = request.options;
  const end = follow ? Number.POSITIVE_INFINITY : stream.lastSequence;
  return {
    stream,
    filter: request.filter,
    from: stream.startSequence(request.from),
    until: until === undefined ? end : Math.min(end, stream.sequenceOf(until)),
  };
}

/** The next message of a range, waited for where it may still come. @throws bus.bad_position when the stream is removed meanwhile */
async function nextEntry(server: MemoryServer, range: Range, scope: AbortSignal): Promise<Entry | undefined> {
  const { stream, filter, from, until } = range;
  for (;;) {
    await server.whenUp(scope);
    if (stream.dropped)
      throw new TocsinError('bus.bad_position', {
        position: `${from} of ${stream.name}`,
        reason: 'the stream was removed while it was read',
      });
    stream.expire(server.clock.nowMs());
    const entry = stream.next(filter, from);
    if (entry !== undefined) return entry.sequence <= until ? entry : undefined;
    if (stream.lastSequence >= until) return undefined;
    await stream.bell.wait(scope);
  }
}
