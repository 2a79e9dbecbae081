/** `ReplayLog` over a memory server. How a read goes on is in `memory-read.ts`. */
import { type Position, TocsinError } from '@tocsin/core';
import type { ReplayLog, StreamInfo } from '../event-bus.ts';
import { parsePosition } from '../position.ts';
import { checkFilter, checkSubject } from '../subject-filter.ts';
import type { MemoryAccess } from './memory-access.ts';
import { copyOf, readMemory } from './memory-read.ts';
import type { MemoryServer } from './memory-server.ts';
import type { MemoryStream } from './memory-stream.ts';

/** The log's reading side. */
export function createMemoryLog(access: MemoryAccess): ReplayLog {
  return {
    async *read(filter, from, options = {}) {
      access.requireOpen('A read');
      yield* readMemory(access.server, { filter, from, options }, access.scopeWith(options.signal));
    },
    async get(positions) {
      const server = await access.reach('A message');
      return positions.flatMap((position) => {
        const stream = streamOfPosition(server, position);
        const entry = stream.at(stream.sequenceOf(position));
        return entry === undefined ? [] : [copyOf(entry)];
      });
    },
    async last(subject) {
      const entry = (await access.reach('A message')).stream(checkSubject(subject)).lastOf(subject);
      return entry === undefined ? undefined : copyOf(entry);
    },
    info: async (filter) => infoOf((await access.reach('Information')).stream(checkFilter(filter))),
    async purge(filter, upTo) {
      const stream = (await access.reach('A purge')).stream(checkFilter(filter));
      const removed = stream.purge(filter, stream.sequenceOf(upTo));
      access.server.mindPlans();
      return removed;
    },
  };
}

function streamOfPosition(server: MemoryServer, position: Position): MemoryStream {
  const { stream } = parsePosition(position);
  try {
    return server.streamNamed(stream);
  } catch (cause) {
    throw new TocsinError('bus.bad_position', { position, reason: `there is no stream ${stream}` }, { cause });
  }
}

function infoOf(stream: MemoryStream): StreamInfo {
  return {
    stream: stream.name,
    messages: stream.messages,
    bytes: stream.bytes,
    first: stream.firstEntry()?.message.position,
    last: stream.lastEntry()?.message.position,
    consumers: [...stream.groups.values()].map((group) => group.info()),
  };
}
