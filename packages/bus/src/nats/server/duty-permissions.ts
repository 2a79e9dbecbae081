/**
 * What each duty may do on the bus, from Tocsin's subjects to NATS permissions: JetStream's own subjects are added for
 * exactly the streams that a duty's subjects belong to. The table of duties itself is the caller's.
 */
import { TocsinError } from '@tocsin/core';
import type { SubjectFilter, Topology } from '../../event-bus.ts';
import { checkFilter, filtersOverlap } from '../../subject-filter.ts';
import { bucketStream, bucketSubject } from '../bucket-names.ts';

/** What one duty (a process or thread) may do, in Tocsin's subjects. */
export interface DutyPermissions {
  readonly publish: readonly SubjectFilter[];
  /** Subjects whose streams it may read, consume and look up. */
  readonly subscribe: readonly SubjectFilter[];
  /** State buckets it may read and write. */
  readonly buckets?: readonly string[] | undefined;
  /** State buckets it may read only. */
  readonly readBuckets?: readonly string[] | undefined;
  /** Subjects whose streams it may purge. */
  readonly purge?: readonly SubjectFilter[] | undefined;
  /** Subjects, of no stream, that it may ask. */
  readonly ask?: readonly SubjectFilter[] | undefined;
  /** Subjects, of no stream, that it may answer: only where the asker waits, once for each question. */
  readonly answer?: readonly SubjectFilter[] | undefined;
}

/** NATS permissions: the subjects a user may publish to and subscribe to. */
export interface NatsPermissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
  /** Whether it may send one message to where a message that it was given asks for an answer. */
  readonly responds?: boolean | undefined;
}

/** Queue group of all who answer: a question goes to one of them. */
export const ANSWERERS = 'tocsin-answerers';

/** The duty that applies the topology; it may manage streams, but neither publish nor read what they hold. */
export const ADMIN_DUTY = 'admin';
/** The user of the system account. */
export const SUPERVISOR_DUTY = 'supervisor';

/** NATS permissions of a duty. @throws bus.bad_subject, server.bad_setting for a subject or bucket no stream or bucket is declared for */
export function natsPermissions(duty: DutyPermissions, topology: Topology, inboxPrefix: string): NatsPermissions {
  const publish = new Set<string>(['$JS.API.INFO', '$JS.API.STREAM.NAMES']);
  for (const filter of duty.publish) {
    publish.add(checkFilter(filter));
    for (const stream of streamsOf(topology, filter)) publish.add(`$JS.API.STREAM.INFO.${stream}`);
  }
  for (const filter of duty.subscribe) for (const stream of streamsOf(topology, filter)) addReading(publish, stream);
  for (const filter of duty.purge ?? []) for (const stream of streamsOf(topology, filter)) publish.add(`$JS.API.STREAM.PURGE.${stream}`);
  addBuckets(publish, duty, topology);
  const { ask = [], answer = [] } = duty;
  for (const filter of ask) publish.add(withoutStream(topology, filter));
  // As one of the group only: alone it would be given every question.
  const answered = answer.map((filter) => `${withoutStream(topology, filter)} ${ANSWERERS}`);
  return { publish: [...publish], subscribe: [`${inboxPrefix}.>`, ...STREAM_NEWS, ...answered], responds: answer.length > 0 };
}

function addBuckets(publish: Set<string>, { buckets = [], readBuckets = [] }: DutyPermissions, topology: Topology): void {
  for (const name of buckets) publish.add(`${bucketSubject(name)}.>`);
  for (const name of [...buckets, ...readBuckets]) addReading(publish, bucketStream(declaredBucket(topology, name)));
}

/** Permissions of the duty that applies the topology. */
export function adminPermissions(inboxPrefix: string): NatsPermissions {
  return { publish: ['$JS.API.>'], subscribe: [`${inboxPrefix}.>`, ...STREAM_NEWS] };
}

/** Advisories by which a bus learns that a stream was made anew. */
export const STREAM_NEWS = ['$JS.EVENT.ADVISORY.STREAM.CREATED.>', '$JS.EVENT.ADVISORY.STREAM.DELETED.>'] as const;

/** Both forms of acknowledgement subjects: with domain and account hash (servers from 2.15 may use it), and without. */
function addReading(publish: Set<string>, stream: string): void {
  for (const call of ['STREAM.INFO', 'STREAM.MSG.GET', 'CONSUMER.LIST', 'CONSUMER.NAMES', 'DIRECT.GET'])
    publish.add(`$JS.API.${call}.${stream}`);
  for (const call of ['DIRECT.GET', 'CONSUMER.CREATE', 'CONSUMER.INFO', 'CONSUMER.DELETE', 'CONSUMER.MSG.NEXT'])
    publish.add(`$JS.API.${call}.${stream}.>`);
  publish.add(`$JS.ACK.${stream}.>`);
  publish.add(`$JS.ACK.*.*.${stream}.>`);
}

function declaredBucket(topology: Topology, name: string): string {
  if (topology.buckets.some((bucket) => bucket.name === name)) return name;
  throw new TocsinError('server.bad_setting', { what: `Bucket ${name}`, reason: 'the topology declares none of this name' });
}

/** A stream would keep what is asked, and answer it. */
function withoutStream(topology: Topology, filter: SubjectFilter): SubjectFilter {
  const stream = topology.streams.find(({ subjects }) => subjects.some((taken) => filtersOverlap(taken, checkFilter(filter))));
  if (stream === undefined) return checkFilter(filter);
  throw new TocsinError('server.bad_setting', {
    what: `Subject ${filter} of a duty`,
    reason: `stream ${stream.name} takes it, so that it cannot be asked`,
  });
}

function streamsOf(topology: Topology, filter: SubjectFilter): string[] {
  const streams = topology.streams.filter((stream) => stream.subjects.some((taken) => filtersOverlap(taken, filter)));
  if (streams.length === 0)
    throw new TocsinError('server.bad_setting', { what: `Subject ${filter} of a duty`, reason: 'no declared stream takes it' });
  return streams.map((stream) => stream.name);
}
