/** How the events door is described in the OpenAPI document. The door reads bodies itself; nothing here is used to check one. */
import { PRODUCER_BATCH_TYPE } from './producer-batch.ts';

/** What may be sent in a body of lines or JSON. */
const anyJson = {
  description: 'One record, or an array of records',
  oneOf: [
    { type: 'object', additionalProperties: true },
    { type: 'array', items: {} },
  ],
};
const lines = { type: 'string', description: 'One record per line' };
const cloudEvent = {
  type: 'object',
  additionalProperties: true,
  required: ['specversion', 'id', 'source', 'type'],
  description: 'A CloudEvents 1.0 event in structured mode',
};

const problem = {
  type: 'object',
  required: ['error'],
  properties: {
    error: {
      type: 'object',
      required: ['code', 'message', 'retry'],
      properties: {
        code: { type: 'string' },
        message: { type: 'string' },
        retry: { type: 'string', enum: ['never', 'later', 'reconnect'] },
      },
    },
  },
};

const results = {
  type: 'object',
  required: ['accepted', 'duplicates', 'rejected', 'items'],
  properties: {
    accepted: { type: 'integer', description: 'Records stored by this request' },
    duplicates: { type: 'integer', description: 'Records that were stored before' },
    rejected: { type: 'integer', description: 'Records that were not taken; each says why' },
    dropped: { type: 'integer', description: 'Records that a rule of the source leaves out; absent where there are none' },
    quarantined: {
      type: 'integer',
      description: 'Records that do not fit the schema of their type and are kept as dead letters; absent where there are none',
    },
    items: {
      type: 'array',
      items: {
        type: 'object',
        required: ['index', 'status'],
        properties: {
          index: { type: 'integer' },
          id: { type: ['string', 'null'] },
          status: { type: 'string', enum: ['stored', 'duplicate', 'dropped', 'quarantined', 'rejected'] },
          position: { type: 'string', description: 'Of a duplicate: where the record has been stored' },
          code: { type: 'string' },
          reason: { type: 'string' },
        },
      },
    },
  },
};

const refused = (description: string): object => ({ description, ...problem });

/** Schema of `POST /api/v1/events` for the OpenAPI document. */
export const eventsSchema = {
  summary: 'Send security events; 202 means that they are on disk',
  security: [{ bearer: [] }],
  headers: {
    type: 'object',
    properties: {
      'idempotency-key': {
        type: 'string',
        description: 'Makes a repeat of this request recognisable: record i without an id of its own gets `<key>-<i>`',
      },
      'ce-specversion': {
        type: 'string',
        enum: ['1.0'],
        description:
          'The body is the data of one CloudEvent in binary mode, whose attributes are headers `ce-…`; ce-id, ce-source and ce-type are needed',
      },
      'content-encoding': { type: 'string', enum: ['gzip', 'zstd', 'br', 'identity'] },
    },
  },
  body: {
    content: {
      'application/json': { schema: anyJson },
      'application/x-ndjson': { schema: lines },
      'application/cloudevents+json': { schema: cloudEvent },
      'application/cloudevents-batch+json': { schema: { type: 'array', items: cloudEvent } },
      'text/plain': { schema: lines },
      [PRODUCER_BATCH_TYPE]: {
        schema: { type: 'string', format: 'binary', description: 'Frames of a spool, as `tocsin forward` sends them' },
      },
    },
  },
  response: {
    202: { description: 'At least one record is stored; one result per record, in order', ...results },
    400: refused('The body, or every record in it, was refused'),
    401: refused('No credential, or one that is unknown, revoked or expired'),
    403: refused('The credential may not send events'),
    413: refused('Too large, as sent or after decompression'),
    415: refused('A media type or content encoding that is not read'),
    429: refused('This source has too much in flight, or is beyond its quota or that of its tenant; see Retry-After'),
    503: refused('Nothing can be stored at the moment; see Retry-After'),
  },
};
