/**
 * Which stream takes a subject, and which life of it this is: looked up once, forgotten when the server tells that a
 * stream was made or deleted, when the connection was lost, or when sequences run backwards.
 */
import type { StreamInfo as JetStreamInfo, StreamConfig } from '@nats-io/jetstream';
import { type Position, TocsinError } from '@tocsin/core';
import type { SubjectFilter } from '../event-bus.ts';
import { badRequest } from '../message-check.ts';
import { encodePosition, type StreamLife, sequenceIn } from '../position.ts';
import { matchesSubject } from '../subject-filter.ts';
import { callJetStream, JetStreamRefusal, REFUSED } from './jetstream-api.ts';
import type { NatsLink } from './nats-link.ts';
import { STREAM_NEWS } from './server/duty-permissions.ts';

/** A stream as it was when last looked at. */
export interface KnownStream extends StreamLife {
  readonly config: StreamConfig;
  readonly state: JetStreamInfo['state'];
}

/** Looks streams up. Lives as long as its link. */
export interface StreamCatalogue {
  /** The stream of a filter, perhaps as remembered. @throws bus.no_stream, bus.bad_request when several streams share the filter */
  find(filter: SubjectFilter): Promise<KnownStream>;
  /** The same, asked of the server now. */
  findFresh(filter: SubjectFilter): Promise<KnownStream>;
  /** A stream by name, asked of the server now. @throws bus.no_stream */
  fresh(name: string): Promise<KnownStream>;
  positionOf(stream: StreamLife, sequence: number): Position;
  /** Sequence of a position, for a stream just looked at. @throws bus.bad_position when it is of another stream, site, or life, or beyond the end */
  sequenceOf(stream: KnownStream, position: Position): number;
  /** The stream by name, perhaps as remembered. A sequence acknowledged as new that is not above the last means that the stream was made anew. */
  noteStored(name: string, sequence: number | undefined): Promise<KnownStream>;
}

/** Makes the catalogue of a link. `site` goes into every position. */
export function createStreamCatalogue(link: NatsLink, site: string): StreamCatalogue {
  const known = new Map<string, KnownStream>();
  const highest = new Map<string, number>();
  const forget = (): void => known.clear();
  for (const subject of STREAM_NEWS) link.connection.subscribe(subject, { callback: forget });
  link.onChange(forget);

  async function fresh(name: string): Promise<KnownStream> {
    try {
      const info = await callJetStream<JetStreamInfo>(link, `STREAM.INFO.${name}`);
      const stream = { site, stream: name, generation: info.created.replace(/[^A-Za-z0-9]/g, ''), config: info.config, state: info.state };
      if (known.get(name)?.generation !== stream.generation) highest.delete(name);
      known.set(name, stream);
      return stream;
    } catch (error) {
      if (error instanceof JetStreamRefusal && error.code === REFUSED.streamNotFound)
        throw new TocsinError('bus.no_stream', { what: name }, { cause: error });
      throw error;
    }
  }
  async function nameOf(filter: SubjectFilter): Promise<string> {
    const { streams } = await callJetStream<{ streams: string[] | null }>(link, 'STREAM.NAMES', { subject: filter });
    const [name, second] = streams ?? [];
    if (name === undefined) throw new TocsinError('bus.no_stream', { what: filter });
    if (second !== undefined) throw badRequest(`filter ${filter}`, `it spans the streams ${name} and ${second}, which share no order`);
    return name;
  }
  const findFresh = async (filter: SubjectFilter): Promise<KnownStream> => await fresh(await nameOf(filter));
  return {
    fresh,
    findFresh,
    async find(filter) {
      for (const stream of known.values()) {
        if (stream.config.subjects.some((taken) => taken === filter || matchesSubject(taken, filter))) return stream;
      }
      return await findFresh(filter);
    },
    positionOf: (stream, sequence) => encodePosition({ site, stream: stream.stream, generation: stream.generation, sequence }),
    sequenceOf(stream, position) {
      const sequence = sequenceIn(stream, position);
      if (sequence > stream.state.last_seq)
        throw new TocsinError('bus.bad_position', { position, reason: `it is beyond the end of ${stream.stream}` });
      return sequence;
    },
    async noteStored(name, sequence) {
      const isNext = sequence === undefined || sequence > (highest.get(name) ?? 0);
      const current = (isNext ? known.get(name) : undefined) ?? (await fresh(name));
      if (sequence !== undefined) highest.set(name, sequence);
      return current;
    },
  };
}
