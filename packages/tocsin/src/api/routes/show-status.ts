/** `GET /status`: how the installation is doing. */
import type { Route } from '../route.ts';

export const showStatus: Route = {
  method: 'GET',
  path: '/status',
  action: 'status.read',
  summary: 'Show how the installation is doing',
  answer: { type: 'object', additionalProperties: true, required: ['version', 'site', 'state', 'duties', 'streams'], properties: {} },
  handle: ({ context, principal }) => context.status(principal),
};
