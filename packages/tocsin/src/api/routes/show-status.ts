/** `GET /status`: how the installation is doing. */
import type { Route } from '../route.ts';

const counted = { type: 'integer', minimum: 0 } as const;
const byCode = { type: 'object', additionalProperties: counted } as const;
const listener = {
  type: 'object',
  required: ['kind', 'name', 'address', 'connections', 'bytes', 'records', 'stored', 'duplicate', 'rejected', 'refused'],
  properties: {
    member: { type: ['string', 'null'], description: 'Process it belongs to, where several share the duties' },
    kind: { type: 'string' },
    name: { type: 'string' },
    address: { type: 'string', description: 'Where it listens, or what it reads' },
    connections: { ...counted, description: 'Open now' },
    bytes: counted,
    records: { ...counted, description: 'Read since it was opened: each is stored, a duplicate, rejected, refused, or on its way' },
    stored: counted,
    duplicate: counted,
    dropped: { ...counted, description: 'Left out by a rule of their source' },
    rejected: { ...byCode, description: 'Read and not taken, by error code' },
    refused: { ...byCode, description: 'Turned away unread, or never stored, by error code' },
  },
} as const;

export const showStatus: Route = {
  method: 'GET',
  path: '/status',
  action: 'status.read',
  summary: 'Show how the installation is doing',
  answer: {
    type: 'object',
    additionalProperties: true,
    required: ['version', 'site', 'state', 'duties', 'streams', 'listeners'],
    properties: { listeners: { type: 'array', items: listener } },
  },
  handle: ({ context, principal }) => context.status(principal),
};
