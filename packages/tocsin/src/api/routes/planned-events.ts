/** `/planned-events`: events that go to their source's door at a time: plan, list, call off. */
import { TocsinError } from '@tocsin/core';
import { cancelPlanned, MAX_PLANNED_BYTES, type PlannedEvent, planEvent, plannedEvents } from '../../registry/planned-events.ts';
import type { Route } from '../route.ts';

const ID_PATTERN = '^[!-~]{1,100}$';
const plannedSchema = {
  type: 'object',
  required: ['id', 'source', 'at', 'bytes'],
  properties: {
    id: { type: 'string', description: 'Id of the plan, and of the event' },
    source: { type: 'string' },
    at: { type: 'string', format: 'date-time' },
    bytes: { type: 'integer', description: 'Size of the record' },
  },
};

/** `POST /planned-events`. */
export const addPlannedEvent: Route = {
  method: 'POST',
  path: '/planned-events',
  action: 'sources.write',
  summary: 'Keep an event and take it in at a time; it survives restarts',
  body: {
    type: 'object',
    additionalProperties: false,
    required: ['source', 'at', 'record'],
    properties: {
      source: { type: 'string', maxLength: 128, description: 'Registered source whose event it is' },
      at: { type: 'string', maxLength: 40, description: 'When, such as 2026-12-01T08:00:00Z; at once where that has passed' },
      record: { type: 'string', minLength: 1, maxLength: MAX_PLANNED_BYTES, description: 'The record as the source would send it' },
      id: { type: 'string', pattern: ID_PATTERN, description: 'Id of the event; without it one is made' },
    },
  },
  answer: plannedSchema,
  async handle({ context, principal, body }) {
    const { source, at, record, id = context.nextId() } = body as { source: string; at: string; record: string; id?: string };
    const { tenant } = principal;
    const registered = context.registry.get(tenant, 'source', source);
    if (!registered || registered.value.revokedMs !== undefined) throw new TocsinError('api.not_found', { what: 'source', id: source });
    const atMs = Date.parse(at);
    if (!Number.isFinite(atMs) || atMs < 0) throw new TocsinError('api.bad_request', { reason: `at: ${JSON.stringify(at)} is no time` });
    const event: PlannedEvent = { id, source, atMs, record: Buffer.from(record) };
    if (event.record.length > MAX_PLANNED_BYTES)
      throw new TocsinError('api.bad_request', { reason: `record: it has ${event.record.length} bytes and may have ${MAX_PLANNED_BYTES}` });
    const act = { action: 'sources.write', resource: `planned-event/${id}`, after: shown(event) } as const;
    await context.privileged(principal, act, () => planEvent(context.bus, tenant, event));
    return shown(event);
  },
};

/** `GET /planned-events`. */
export const listPlannedEvents: Route = {
  method: 'GET',
  path: '/planned-events',
  action: 'sources.read',
  summary: 'List events that wait for their time, the next first',
  answer: { type: 'object', required: ['planned'], properties: { planned: { type: 'array', items: plannedSchema } } },
  handle: async ({ context, principal }) => ({ planned: (await plannedEvents(context.bus, principal.tenant)).map(shown) }),
};

/** `POST /planned-events/:id/cancel`. */
export const cancelPlannedEvent: Route = {
  method: 'POST',
  path: '/planned-events/:id/cancel',
  action: 'sources.write',
  summary: 'Call a planned event off',
  answer: { type: 'object', required: ['id'], properties: { id: { type: 'string' } } },
  async handle({ context, principal, params }) {
    const id = params['id'] ?? '';
    const act = { action: 'sources.write', resource: `planned-event/${id}` } as const;
    const isOff = await context.privileged(principal, act, () => cancelPlanned(context.bus, principal.tenant, id));
    if (!isOff) throw new TocsinError('api.not_found', { what: 'planned event', id });
    return { id };
  },
};

function shown({ id, source, atMs, record }: PlannedEvent): { id: string; source: string; at: string; bytes: number } {
  return { id, source, at: new Date(atMs).toISOString(), bytes: record.length };
}
