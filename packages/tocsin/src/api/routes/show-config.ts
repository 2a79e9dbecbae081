/** `GET /config`: the effective settings, secrets redacted. */
import type { Route } from '../route.ts';

export const showConfig: Route = {
  method: 'GET',
  path: '/config',
  action: 'status.read',
  summary: 'Show the effective settings, secrets redacted',
  answer: { type: 'object', additionalProperties: true, properties: {} },
  handle: async ({ context }) => context.settings(),
};
