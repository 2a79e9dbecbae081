/** The route on a real fastify on loopback, with a commit that answers at once and keeps what was stored. */
import type { AddressInfo } from 'node:net';
import { createUlidGenerator, type FrameRecord, type Position, systemClock, TocsinError } from '@tocsin/core';
import Fastify from 'fastify';
import { createFramer, type OutgoingFrame } from '../src/framer.ts';
import type { DoorLimits } from '../src/http/door-limits.ts';
import { createHttpDoors, type HttpDoorsOptions } from '../src/http/http-doors.ts';
import { serveDoors } from '../src/http/serve-doors.ts';
import { createIntake } from '../src/intake.ts';
import { loadMappings } from '../src/mappings/mapping-set.ts';
import { readShippedMappings } from '../src/mappings/shipped-mappings.ts';
import type { Source } from '../src/source.ts';

/** What one item of an answer says. */
export interface AnswerItem {
  readonly index: number;
  readonly id: string | null;
  readonly status: 'stored' | 'duplicate' | 'rejected';
  readonly code?: string;
  readonly reason?: string;
}

/** An answer of the route, whichever kind. */
export interface RouteAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: {
    error?: { code: string; message: string; retry: string };
    accepted?: number;
    duplicates?: number;
    rejected?: number;
    items?: AnswerItem[];
  };
}

/** A request at a door. */
export interface DoorAsk {
  readonly method?: string;
  readonly body?: Uint8Array | string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer as it came. */
export interface DoorAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Buffer;
  readonly text: string;
  /** The body, where it is JSON. */
  readonly json: unknown;
}

/** A running door. */
export interface OpenDoor extends AsyncDisposable {
  readonly url: string;
  /** Where all doors are. */
  readonly base: string;
  /** Records in the order they were stored, with their tenant. */
  readonly stored: (FrameRecord & { readonly tenant: string })[];
  /** Makes commits wait until it is called with false, or fail with an error. */
  hold(how: boolean | Error): void;
  /** Any request at any door, with the credential `good` unless the headers name another. */
  ask(path: string, request?: DoorAsk): Promise<DoorAnswer>;
  post(body: Uint8Array | string, headers?: Readonly<Record<string, string>>): Promise<RouteAnswer>;
}

/** Credentials of the tests: `Bearer good` is tenant acme, `Bearer other` tenant globex. */
export const sources: Readonly<Record<string, Source>> = {
  'Bearer good': { tenant: 'acme', name: 'app', format: 'json', lane: 'live', shard: '' },
  'Bearer other': { tenant: 'globex', name: 'app', format: 'json', lane: 'bulk', shard: '' },
  'Bearer trail': { tenant: 'acme', name: 'aws', format: 'cloudtrail', lane: 'live', shard: '' },
  'Bearer linux': { tenant: 'acme', name: 'auth', format: 'linux-auth', lane: 'live', shard: '' },
};

const mappings = loadMappings(readShippedMappings());

/** Opens a door on a free port. */
export async function openDoor(limits: Partial<DoorLimits> = {}, doorOptions: Partial<HttpDoorsOptions> = {}): Promise<OpenDoor> {
  const stored: (FrameRecord & { tenant: string })[] = [];
  const records = new Map<string, readonly FrameRecord[]>();
  let held: boolean | Error = false;
  let release: (() => void)[] = [];
  const commit = async (frames: readonly OutgoingFrame[]): Promise<Position[]> => {
    if (held === true) await new Promise<void>((resolve) => release.push(resolve));
    if (held instanceof Error) throw held;
    for (const { id, tenant } of frames)
      for (const record of records.get(id) ?? []) stored.push({ ...record, record: record.record.slice(), tenant });
    return frames.map(({ id }) => id as Position);
  };
  const nextId = createUlidGenerator(systemClock);
  const encode = (fields: { id: string }, frame: readonly FrameRecord[]): Uint8Array => {
    records.set(fields.id, frame);
    return new Uint8Array(0);
  };
  const framer = createFramer({ partitions: 4, site: 'here', clock: systemClock, nextId, encode, commit });
  const intake = createIntake({ mappings, framer, clock: systemClock, nextId });
  const app = Fastify({ forceCloseConnections: true });
  const doors = createHttpDoors({
    webhooks: { webhooks: new Map(), boundSource: unbound, nowMs: () => systemClock.nowMs() },
    ...doorOptions,
  });
  await app.register(serveDoors, { doors, authenticate: authenticateTest, intake, limits });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const base = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  const url = `${base}/api/v1/events`;
  return {
    url,
    base,
    stored,
    hold(how) {
      held = how;
      for (const resolve of release) resolve();
      release = [];
    },
    async ask(path, { method = 'POST', body, headers = {} } = {}) {
      const response = await fetch(`${base}${path}`, {
        method,
        headers: { authorization: 'Bearer good', ...headers },
        ...(body === undefined ? {} : { body: Buffer.from(body) }),
      });
      const bytes = Buffer.from(await response.arrayBuffer());
      const isJson = (response.headers.get('content-type') ?? '').startsWith('application/json') && bytes.length > 0;
      const text = bytes.toString('utf8');
      return { status: response.status, headers: response.headers, bytes, text, json: isJson ? (JSON.parse(text) as unknown) : undefined };
    },
    async post(body, headers = {}) {
      const all = { authorization: 'Bearer good', 'content-type': 'application/json', ...headers };
      const response = await fetch(url, { method: 'POST', body: Buffer.from(body), headers: all });
      return { status: response.status, headers: response.headers, body: (await response.json()) as RouteAnswer['body'] };
    },
    async [Symbol.asyncDispose]() {
      await framer.drain();
      await app.close();
    },
  };
}

function unbound(): Source {
  throw new TocsinError('auth.refused', { reason: 'it is not bound' });
}

function authenticateTest({ authorization }: { authorization: string | undefined }): { source: Source } {
  if (authorization === undefined) throw new TocsinError('auth.missing', { what: 'The events door' });
  if (authorization === 'Bearer reader') throw new TocsinError('auth.forbidden', { actor: 'reader', action: 'sending events' });
  const source = sources[authorization];
  if (source === undefined) throw new TocsinError('auth.refused', { reason: 'it is unknown' });
  return { source };
}
