/** `GET /schemas` and `GET /schemas/:type`: the event types that mappings make, each with the schema that its records are held against. */
import { TocsinError } from '@tocsin/core';
import { type EventType, eventTypesOf, loadMappings, readShippedMappings } from '@tocsin/ingest';
import type { Route } from '../route.ts';

const typeProperties = {
  type: { type: 'string' },
  version: { type: 'integer', minimum: 1 },
  classUid: { type: 'integer', description: 'OCSF class' },
} as const;

/** The list. */
export const listSchemas: Route = {
  method: 'GET',
  path: '/schemas',
  action: 'sources.read',
  summary: 'List event types with the version of their schema',
  answer: {
    type: 'object',
    required: ['schemas'],
    properties: {
      schemas: {
        type: 'array',
        items: {
          type: 'object',
          required: ['type', 'version', 'classUid', 'fields', 'required'],
          properties: {
            ...typeProperties,
            fields: { type: 'integer', description: 'Fields that its mapping reads' },
            required: { type: 'array', items: { type: 'string' } },
          },
        },
      },
    },
  },
  handle: async () => ({
    schemas: eventTypes().map(({ schema, ...one }) => ({
      ...one,
      fields: Object.keys(schema.properties).length,
      required: schema.required ?? [],
    })),
  }),
};

/** One type. */
export const showSchema: Route = {
  method: 'GET',
  path: '/schemas/:type',
  action: 'sources.read',
  summary: 'Show the JSON Schema of an event type',
  answer: {
    type: 'object',
    required: ['type', 'version', 'classUid', 'schema'],
    properties: { ...typeProperties, schema: { type: 'object', additionalProperties: true } },
  },
  async handle({ params }) {
    const found = eventTypes().find(({ type }) => type === params['type']);
    if (found === undefined) throw new TocsinError('api.not_found', { what: 'event type', id: params['type'] ?? '' });
    return found;
  },
};

/** Made anew for each question: they are asked seldom, and mappings are no small thing to keep. */
function eventTypes(): EventType[] {
  return eventTypesOf(loadMappings(readShippedMappings()).specs);
}
