/** `GET /tail/:what`: the tenant's events, alerts or matches as they come, one JSON object per line, until the client leaves. */
import { once } from 'node:events';
import type { Start, Stored } from '@tocsin/bus';
import { isTocsinError, type Position, type SecurityEvent, TocsinError } from '@tocsin/core';
import { parseAlert } from '../../duties/alert-writer.ts';
import { openFed } from '../../duties/frame-feed.ts';
import { parseStep } from '../../duties/partition-progress.ts';
import { isStillAccepted } from '../../security/authenticate.ts';
import { MATCHES_FILTER, tenantAlertsFilter, tenantEventsFilter } from '../../subjects.ts';
import type { ApiCall, ApiContext, Route } from '../route.ts';

type Lines = (stored: Stored, tenant: string) => object[];

/** What can be followed: filter for a tenant, and a message's lines for him. */
const FOLLOWED: Readonly<Record<string, { readonly filter: (tenant: string) => string; readonly lines: Lines }>> = {
  events: { filter: tenantEventsFilter, lines: eventLines },
  alerts: { filter: tenantAlertsFilter, lines: (stored) => [{ ...parseAlert(stored), storedMs: stored.storedMs }] },
  matches: {
    filter: () => MATCHES_FILTER,
    lines: (stored, tenant) => parseStep(stored).matches.filter((match) => match.tenant === tenant),
  },
};

/** How often a quiet follower is told that it is still followed, milliseconds: clients and proxies give up on silent connections. */
const HEARTBEAT_MS = 20_000;

export const tail: Route = {
  method: 'GET',
  path: '/tail/:what',
  action: 'events.read',
  summary: 'Follow events, alerts or matches as they come',
  query: {
    type: 'object',
    additionalProperties: false,
    properties: {
      from: {
        type: 'string',
        maxLength: 128,
        default: 'new',
        description: '`new`: what comes from now on; `first`: the oldest kept; a position: what stands behind it',
      },
      end: {
        type: 'string',
        enum: ['never', 'now'],
        default: 'never',
        description: '`now`: end with what is stored by now instead of following',
      },
    },
  },
  produces: 'application/x-ndjson',
  answer: { type: 'string', description: 'One JSON object per line' },
  async handle(call) {
    const what = call.params['what'] ?? '';
    const followed = Object.hasOwn(FOLLOWED, what) ? FOLLOWED[what] : undefined;
    if (!followed) throw new TocsinError('api.not_found', { what: 'thing to follow', id: what });
    const leave = call.context.followers.take(call.principal.tenant);
    await follow(call, followed.filter(call.principal.tenant), followed.lines).finally(leave);
  },
};

async function follow({ context, principal, query, reply, request }: ApiCall, filter: string, lines: Lines): Promise<void> {
  const left = new AbortController();
  const { raw } = reply;
  request.raw.socket.once('close', () => left.abort());
  // Who left before this line will not be heard leaving.
  if (request.raw.socket.destroyed) left.abort();
  const signal = AbortSignal.any([left.signal, context.closing]);
  const start = await startOf(context, filter, String(query['from']));
  // From here on nobody else answers: whatever can be refused has been.
  reply.hijack();
  raw.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store', connection: 'close' });
  // Tells the client where it stands: whatever is stored from now on will come.
  raw.write('\n');
  const leaveIfOver = (): void => {
    if (!isStillAccepted(context.registry, principal, context.clock.nowMs())) left.abort();
  };
  const endWatch = context.registry.onChange(leaveIfOver);
  // It may have ended since it was looked at.
  leaveIfOver();
  const heartbeat = setInterval(() => {
    leaveIfOver();
    if (!raw.writableNeedDrain) raw.write('\n');
  }, HEARTBEAT_MS);
  try {
    for await (const stored of context.bus.read(filter, start, { follow: query['end'] !== 'now', signal })) {
      const text = lines(stored, principal.tenant)
        .map((line) => `${JSON.stringify(line)}\n`)
        .join('');
      if (text !== '' && !raw.write(text)) await once(raw, 'drain', { signal });
    }
  } catch (error) {
    if (!signal.aborted)
      request.log.warn(
        { err: error, code: isTocsinError(error) ? error.code : undefined },
        'A follower was cut off: reading the log ended',
      );
  } finally {
    clearInterval(heartbeat);
    endWatch();
    raw.end();
  }
}

/** @throws bus.bad_position before anything is answered */
async function startOf({ bus }: ApiContext, filter: string, from: string): Promise<Start> {
  if (from === 'first') return 'first';
  if (from !== 'new') {
    const after = from as Position;
    await bus.get([after]);
    return { after };
  }
  const { last } = await bus.info(filter);
  return last === undefined ? 'first' : { after: last };
}

function eventLines(stored: Stored, tenant: string): object[] {
  const { frame, tenant: owner } = openFed('live', stored);
  if (!frame || owner !== tenant) return [];
  return Array.from({ length: frame.header.count }, (_, i) => eventLine(frame.event(i), stored.position));
}

function eventLine(event: SecurityEvent, position: string): object {
  const { record, timeMs, receivedMs, ...rest } = event;
  return {
    ...rest,
    time: new Date(timeMs).toISOString(),
    received: new Date(receivedMs).toISOString(),
    position,
    record: Buffer.from(record).toString(),
  };
}
