/** JSON Schemas that several routes share, as the OpenAPI document shows them. */
import { LOG_SOURCE_WORD } from '@tocsin/core';
import { decoders, privacyPolicySchema } from '@tocsin/ingest';
import { PERSON_ROLES } from '../security/principal.ts';
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

const WORD = { type: 'string', pattern: LOG_SOURCE_WORD.source, maxLength: 64 } as const;
/** Longest silence that may be set: 30 days, milliseconds. */
const MAX_SILENCE_MS = 2_592_000_000;
const SILENCE_MS = { type: 'integer', minimum: 1000, maximum: MAX_SILENCE_MS } as const;

/** What may be said of a source when it is registered or changed. */
export const sourceProperties: Readonly<Record<string, JsonSchema>> = {
  format: { type: 'string', enum: Object.keys(decoders), description: 'How its records are read' },
  lane: { type: 'string', enum: ['live', 'bulk'], description: 'live: detected at once; bulk: history and imports' },
  logSource: {
    type: 'object',
    additionalProperties: false,
    description: 'What its events are, in the words of rules; absent parts are told by their mapping',
    properties: { product: WORD, service: WORD, category: WORD },
  },
  labels: {
    type: 'object',
    maxProperties: 32,
    additionalProperties: { type: 'string', maxLength: 256 },
    propertyNames: { pattern: '^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$' },
    description: 'Free words, such as site: berlin',
  },
  schemas: {
    type: 'string',
    enum: ['off', 'warn', 'enforce'],
    description:
      'Records that do not fit the schema of their type: stored (off), flagged and stored (warn), kept aside as dead letters (enforce)',
  },
  privacy: privacyPolicySchema,
  silence: {
    description: 'off: its silence is not told; or after how long it is, milliseconds',
    anyOf: [{ const: 'off' }, { type: 'object', additionalProperties: false, properties: { firstMs: SILENCE_MS, secondMs: SILENCE_MS } }],
  },
};

/** A credential as it is shown. */
export const credentialSchema: JsonSchema = {
  type: 'object',
  required: ['id', 'label', 'state', 'createdMs'],
  properties: {
    id: { type: 'string', description: 'Beginning of its id, as on the audit trail' },
    label: { type: 'string' },
    state: { type: 'string', enum: ['active', 'grace', 'expired', 'revoked'] },
    createdMs: { type: 'integer' },
    expiresMs: { type: 'integer', description: 'Until when it is accepted' },
    revokedMs: { type: 'integer' },
    lastUsedMs: { type: 'integer' },
  },
};

/** A person who was let in. */
export const personSchema: JsonSchema = {
  type: 'object',
  required: ['tenant', 'name', 'roles', 'state', 'createdMs'],
  properties: {
    tenant: { type: 'string' },
    name: { type: 'string' },
    roles: { type: 'array', items: { type: 'string', enum: PERSON_ROLES } },
    state: { type: 'string', enum: ['active', 'expired', 'revoked'] },
    createdMs: { type: 'integer' },
    expiresMs: { type: 'integer', description: 'Until when the credential is accepted' },
    revokedMs: { type: 'integer' },
  },
};

/** A configured source with what it has sent. */
export const sourceSchema: JsonSchema = {
  type: 'object',
  required: ['name', 'format', 'lane', 'createdMs', 'events', 'duplicates'],
  properties: {
    name: { type: 'string' },
    ...sourceProperties,
    heard: {
      type: 'object',
      additionalProperties: true,
      description:
        'What was heard of it since the processes that take events started: last times, rates, lag of event time, what was not taken and why',
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
    reason: { type: 'string', enum: ['unreadable', 'threw', 'deadline', 'memory', 'crashed', 'refused', 'exhausted', 'invalid'] },
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
