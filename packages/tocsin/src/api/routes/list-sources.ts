/** `GET /sources`: configured producers and what each has sent. */
import type { Route } from '../route.ts';
import { sourceSchema } from '../schemas.ts';

export const listSources: Route = {
  method: 'GET',
  path: '/sources',
  action: 'sources.read',
  summary: 'List sources with what each has sent',
  answer: { type: 'object', required: ['sources'], properties: { sources: { type: 'array', items: sourceSchema } } },
  async handle({ context, principal }) {
    const totals = new Map((await context.store.sourceTotals(principal.tenant)).map((each) => [each.source, each]));
    const refused = context.flow.admission.refusals.of(principal.tenant);
    const sources = context.registry.list('source', principal.tenant).map(({ value }) => {
      const sent = totals.get(value.name);
      return {
        ...value,
        events: sent?.events ?? 0,
        duplicates: sent?.duplicates ?? 0,
        ...(sent ? { lastReceivedMs: sent.lastReceivedMs } : {}),
        refused: refused.get(value.name) ?? [],
      };
    });
    return { sources };
  },
};
