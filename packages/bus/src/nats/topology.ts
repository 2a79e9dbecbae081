/** Streams and buckets as JetStream has them: created, updated where that is possible, every difference reported. */
import { DiscardPolicy, type StreamInfo as JetStreamInfo, RetentionPolicy, StorageType, type StreamConfig } from '@nats-io/jetstream';
import { TocsinError } from '@tocsin/core';
import type { BucketSpec, Drift, StreamSpec, Topology } from '../event-bus.ts';
import { checkTopology, createdDrift, streamDrift } from '../topology-check.ts';
import { bucketStream, bucketSubject } from './bucket-names.ts';
import { callJetStream, JetStreamRefusal, REFUSED } from './jetstream-api.ts';
import type { NatsLink } from './nats-link.ts';

const NANOS_PER_MS = 1_000_000;
/** How long the mark of a value that ended stays, for watchers: the least the server takes. */
const MARK_SECONDS = 1;
const BUCKET_DEDUP_MS = 120_000;
/** How long a cluster may take to list what it has made. */
const LISTED_MS = 5_000;
const PAUSE_MS = 20;

/** Applies a topology; what it declares can be looked up by subject when this resolves. @throws bus.bad_request, bus.bad_subject, bus.unavailable, bus.forbidden, bus.closed */
export async function applyTopology(link: NatsLink, topology: Topology): Promise<Drift[]> {
  checkTopology(topology);
  const drift: Drift[] = [];
  const replicas = topology.replicas ?? 1;
  for (const spec of topology.streams) drift.push(...(await applyStream(link, spec, replicas)));
  for (const spec of topology.buckets) drift.push(...(await applyBucket(link, spec, replicas)));
  if (replicas > 1) {
    for (const { subjects } of topology.streams) await untilListed(link, subjects[0] ?? '');
    for (const { name } of topology.buckets) await untilListed(link, `${bucketSubject(name)}.>`);
  }
  return drift;
}

/** In a cluster a stream's leader says that it was made, perhaps before the server that is asked which streams there are has heard of it. */
async function untilListed(link: NatsLink, subject: string): Promise<void> {
  const deadline = performance.now() + LISTED_MS;
  for (;;) {
    const { streams } = await callJetStream<{ streams: string[] | null }>(link, 'STREAM.NAMES', { subject });
    if (streams !== null && streams.length > 0) return;
    if (performance.now() >= deadline)
      throw new TocsinError('bus.unavailable', { reason: `the cluster does not list the stream of ${subject}` });
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

async function applyStream(link: NatsLink, spec: StreamSpec, replicas: number): Promise<Drift[]> {
  const found = await findConfig(link, spec.name);
  if (found === undefined) {
    await create(link, spec.name, { ...configOf(spec, replicas), name: spec.name });
    return [createdDrift(spec.name, 'stream')];
  }
  const drift = [...streamDrift(spec, specOf(found)), ...fixedDrift(spec, found, replicas)];
  if (!drift.some((each) => each.kind === 'updated')) return drift;
  try {
    await callJetStream(link, `STREAM.UPDATE.${spec.name}`, { ...found, ...configOf(spec, replicas), retention: found.retention });
    return drift;
  } catch (error) {
    if (!(error instanceof JetStreamRefusal)) throw error;
    return drift.map((each) => ({ ...each, kind: 'refused', found: `${each.found} (${error.message})` }));
  }
}

async function applyBucket(link: NatsLink, spec: BucketSpec, replicas: number): Promise<Drift[]> {
  const name = bucketStream(spec.name);
  const found = await findConfig(link, name);
  if (found === undefined) {
    await create(link, name, { ...bucketConfig(spec, replicas), name });
    return [createdDrift(spec.name, 'bucket')];
  }
  const ttlMs = Math.round(found.max_age / NANOS_PER_MS);
  const drift: Drift[] = [];
  const note = (field: string, declared: number, there: number): void => {
    if (declared !== there) drift.push({ kind: 'updated', name: spec.name, field, declared: String(declared), found: String(there) });
  };
  note('ttlMs', spec.ttlMs, ttlMs);
  note('num_replicas', replicas, found.num_replicas);
  if (drift.length > 0) await callJetStream(link, `STREAM.UPDATE.${name}`, { ...found, ...bucketConfig(spec, replicas) });
  return drift;
}

async function create(link: NatsLink, name: string, config: object): Promise<void> {
  try {
    await callJetStream(link, `STREAM.CREATE.${name}`, config);
  } catch (error) {
    if (!(error instanceof JetStreamRefusal)) throw error;
    throw new TocsinError(
      'server.bad_setting',
      { what: `Stream ${name} on the bus`, reason: `the server refuses it: ${error.message}` },
      { cause: error },
    );
  }
}

async function findConfig(link: NatsLink, stream: string): Promise<StreamConfig | undefined> {
  try {
    return (await callJetStream<JetStreamInfo>(link, `STREAM.INFO.${stream}`)).config;
  } catch (error) {
    if (error instanceof JetStreamRefusal && error.code === REFUSED.streamNotFound) return undefined;
    throw error;
  }
}

/** The bytes limit refuses new messages; the limit per subject, where there is one, lets the oldest of the subject go. */
function configOf(spec: StreamSpec, replicas: number): Partial<StreamConfig> {
  return {
    subjects: [...spec.subjects],
    retention: spec.retention === 'work_queue' ? RetentionPolicy.Workqueue : RetentionPolicy.Limits,
    storage: StorageType.File,
    // Without a limit nothing is discarded; the server takes plans only where it could be.
    discard: spec.hasPlans === true ? DiscardPolicy.Old : DiscardPolicy.New,
    discard_new_per_subject: false,
    num_replicas: replicas,
    max_age: spec.maxAgeMs * NANOS_PER_MS,
    max_bytes: spec.maxBytes,
    max_msgs_per_subject: spec.maxPerSubject === 0 ? -1 : spec.maxPerSubject,
    duplicate_window: spec.dedupWindowMs * NANOS_PER_MS,
    allow_direct: true,
    allow_atomic: spec.isForeign !== true,
    // Whoever may write a stream with plans can have messages put on any of its subjects: no other stream has them.
    ...(spec.hasPlans === true ? { allow_msg_schedules: true } : {}),
  };
}

function specOf(config: StreamConfig): StreamSpec {
  return {
    name: config.name,
    subjects: config.subjects,
    maxAgeMs: config.max_age / NANOS_PER_MS,
    maxBytes: config.max_bytes,
    maxPerSubject: Math.max(0, config.max_msgs_per_subject),
    dedupWindowMs: config.duplicate_window / NANOS_PER_MS,
    retention: config.retention === RetentionPolicy.Workqueue ? 'work_queue' : 'limits',
  };
}

/** What this adapter relies on beyond the declaration. `storage` cannot be changed, the rest is put right. */
function fixedDrift(spec: StreamSpec, found: StreamConfig, replicas: number): Drift[] {
  const wanted = configOf(spec, replicas);
  const drift: Drift[] = [];
  for (const field of ['discard', 'allow_direct', 'allow_atomic', 'discard_new_per_subject', 'storage', 'num_replicas'] as const) {
    const there = found[field] ?? false;
    if (there === wanted[field]) continue;
    drift.push({
      kind: field === 'storage' ? 'refused' : 'updated',
      name: spec.name,
      field,
      declared: String(wanted[field]),
      found: String(there),
    });
  }
  return drift;
}

function bucketConfig(spec: BucketSpec, replicas: number): Partial<StreamConfig> & { subject_delete_marker_ttl?: number } {
  return {
    subjects: [`${bucketSubject(spec.name)}.>`],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    num_replicas: replicas,
    max_age: spec.ttlMs * NANOS_PER_MS,
    max_msgs_per_subject: 1,
    max_bytes: -1,
    duplicate_window: Math.min(BUCKET_DEDUP_MS, spec.ttlMs || BUCKET_DEDUP_MS) * NANOS_PER_MS,
    allow_direct: true,
    deny_delete: true,
    allow_msg_ttl: true,
    ...(spec.ttlMs === 0 ? {} : { subject_delete_marker_ttl: MARK_SECONDS * 1000 * NANOS_PER_MS }),
  };
}
