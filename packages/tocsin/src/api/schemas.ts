/** JSON Schemas that several routes share, as the OpenAPI document shows them. */
import type { JsonSchema } from './route.ts';

/** Query of a listing: `limit` and `after`, and whatever else it takes. */
export function pageQuery(properties: Readonly<Record<string, JsonSchema>>): JsonSchema {
  return {
    type: 'object',
    additionalProperties: false,
    properties: {
      ...properties,
      limit: { type: 'integer', minimum: 1, maximum: 1000, default: 100, description: 'Most entries in the answer' },
      after: { type: 'string', maxLength: 128, description: '`next` of the page before' },
    },
  };
}

/** Query of what may be another tenant's, for operators. */
export function tenantQuery(properties: Readonly<Record<string, JsonSchema>>): JsonSchema {
  return {
    type: 'object',
    additionalProperties: false,
    properties: {
      ...properties,
      tenant: { type: 'string', minLength: 1, maxLength: 128, description: 'Whose; the own tenant where left out. Others: operators only' },
    },
  };
}

/** Which alerts to list. */
export const alertFilters: Readonly<Record<string, JsonSchema>> = {
  status: { type: 'string', enum: ['new', 'acknowledged', 'resolved', 'false_positive'], description: 'Only alerts with this status' },
  rule: { type: 'string', maxLength: 128, description: 'Only alerts of this rule id' },
  severity: { type: 'integer', minimum: 0, maximum: 6, description: 'Least OCSF severity_id' },
};

/** Rule files in a request. */
export const ruleFilesSchema: JsonSchema = {
  type: 'array',
  minItems: 1,
  maxItems: 5000,
  items: {
    type: 'object',
    additionalProperties: false,
    required: ['path', 'text'],
    properties: { path: { type: 'string', minLength: 1, maxLength: 1024 }, text: { type: 'string', maxLength: 1048576 } },
  },
};

/** Something done to an alert. */
export const actSchema: JsonSchema = {
  type: 'object',
  required: ['kind', 'actor', 'atMs'],
  properties: {
    kind: { type: 'string', enum: ['acknowledge', 'resolve', 'false-positive', 'reopen'] },
    actor: { type: 'string' },
    atMs: { type: 'integer' },
    note: { type: 'string' },
  },
};

/** An alert; fields beyond those named here are listed in the event reference. */
export const alertSchema: JsonSchema = {
  type: 'object',
  additionalProperties: true,
  required: ['id', 'tenant', 'origin', 'rule', 'severity', 'status', 'count', 'firstMs', 'lastMs', 'evidence'],
  properties: {
    id: { type: 'string' },
    tenant: { type: 'string' },
    origin: { type: 'string', enum: ['live', 'catch-up', 'redrive', 'restored'] },
    rule: { type: 'object', additionalProperties: true, properties: { id: { type: 'string' }, title: { type: 'string' } } },
    severity: { type: 'integer', minimum: 0, maximum: 6 },
    status: { type: 'string', enum: ['new', 'acknowledged', 'resolved', 'false_positive'] },
    count: { type: 'integer', minimum: 1, description: 'Events counted, each once' },
    firstMs: { type: 'integer', description: 'Event time of the first event, milliseconds since 1970' },
    lastMs: { type: 'integer', description: 'Event time of the last event, milliseconds since 1970' },
    evidence: { type: 'array', items: { type: 'object', additionalProperties: true } },
  },
};

/** A configured source with what it has sent. */
export const sourceSchema: JsonSchema = {
  type: 'object',
  required: ['name', 'format', 'lane', 'createdMs', 'events', 'duplicates'],
  properties: {
    name: { type: 'string' },
    format: { type: 'string' },
    lane: { type: 'string', enum: ['live', 'bulk'] },
    logSource: {
      type: 'object',
      properties: { product: { type: 'string' }, service: { type: 'string' }, category: { type: 'string' } },
    },
    createdMs: { type: 'integer' },
    revokedMs: { type: 'integer' },
    events: { type: 'integer' },
    duplicates: { type: 'integer' },
    lastReceivedMs: { type: 'integer' },
    refused: {
      type: 'array',
      description: 'Requests refused since the start, by error code',
      items: {
        type: 'object',
        required: ['reason', 'requests', 'events', 'bytes'],
        properties: { reason: { type: 'string' }, requests: { type: 'integer' }, events: { type: 'integer' }, bytes: { type: 'integer' } },
      },
    },
  },
};

/** A rule that was refused. */
export const refusedRuleSchema: JsonSchema = {
  type: 'object',
  additionalProperties: true,
  required: ['path', 'line', 'reason'],
  properties: { path: { type: 'string' }, line: { type: 'integer' }, column: { type: 'integer' }, reason: { type: 'string' } },
};

/** A quota in force. */
export const quotaSchema: JsonSchema = {
  type: 'object',
  additionalProperties: true,
  required: ['tenant', 'isOwn'],
  properties: {
    tenant: { type: 'string' },
    source: { type: 'string', description: 'Left out: of all sources of the tenant together' },
    eventsPerSecond: { type: 'integer', description: '0: no limit' },
    bytesPerSecond: { type: 'integer', description: '0: no limit' },
    burstSeconds: { type: 'number' },
    storedBytes: { type: 'integer', description: 'Of a tenant; 0: no limit' },
    storedEvents: { type: 'integer', description: 'Of a tenant; 0: no limit' },
    storedDays: { type: 'integer', description: 'Of a tenant; 0: as long as all others' },
    isOwn: { type: 'boolean', description: 'Set for this owner; false: the settings hold' },
  },
};

/** A dead letter without its bytes. */
export const deadLetterSchema: JsonSchema = {
  type: 'object',
  additionalProperties: true,
  required: ['id', 'consumer', 'state', 'kind', 'reason', 'attempts', 'errors', 'firstMs', 'lastMs', 'position', 'sha256', 'bytes'],
  properties: {
    id: { type: 'string' },
    consumer: { type: 'string', description: 'Who could not handle it' },
    state: { type: 'string', enum: ['waiting', 'redriven', 'discarded'] },
    kind: { type: 'string', enum: ['event', 'message'] },
    reason: { type: 'string', enum: ['unreadable', 'threw', 'deadline', 'memory', 'crashed', 'refused', 'exhausted'] },
    attempts: { type: 'integer' },
    errors: {
      type: 'array',
      items: { type: 'object', additionalProperties: true },
      description: 'The newest attempts, with time and text',
    },
    firstMs: { type: 'integer', description: 'First attempt, milliseconds since 1970' },
    lastMs: { type: 'integer', description: 'Last attempt, milliseconds since 1970' },
    position: { type: 'string', description: 'Where it stood on the bus' },
    source: { type: 'string' },
    eventId: { type: 'string' },
    scope: { type: 'string', description: 'The only part of the consumer that has not handled it, such as rule:ID' },
    sha256: { type: 'string' },
    bytes: { type: 'integer' },
    redrives: { type: 'integer' },
  },
};
