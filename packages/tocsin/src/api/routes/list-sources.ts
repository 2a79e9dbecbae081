/** `GET /sources` and `GET /sources/:name`: configured producers, what each has sent, what was heard of it. */
import { isTocsinError, TocsinError, tenantKey } from '@tocsin/core';
import type { SourceTotals } from '@tocsin/store';
import type { SourceRecord } from '../../registry/registry.ts';
import type { KnownSource } from '../../sources/facts-keeper.ts';
import { heardOf, shownCredentials } from '../../sources/source-desk.ts';
import type { ApiCall, Route } from '../route.ts';
import { credentialSchema, sourceSchema } from '../schemas.ts';

/** The list. */
export const listSources: Route = {
  method: 'GET',
  path: '/sources',
  action: 'sources.read',
  summary: 'List sources with what each has sent',
  answer: { type: 'object', required: ['sources'], properties: { sources: { type: 'array', items: sourceSchema } } },
  async handle(call) {
    const asked = await ask(call);
    return { sources: call.context.registry.list('source', call.principal.tenant).map(({ value }) => describe(call, value, asked)) };
  },
};

/** One source. */
export const showSource: Route = {
  method: 'GET',
  path: '/sources/:name',
  action: 'sources.read',
  summary: 'Show a source: what was heard of it, what holds for it, its credentials',
  answer: {
    type: 'object',
    required: ['source', 'credentials'],
    properties: { source: sourceSchema, credentials: { type: 'array', items: credentialSchema } },
  },
  async handle(call) {
    const { context, principal, params } = call;
    const name = params['name'] ?? '';
    const record = context.registry.get(principal.tenant, 'source', name)?.value;
    if (record === undefined) throw new TocsinError('api.not_found', { what: 'source', id: name });
    const asked = await ask(call);
    const known = asked.known.get(tenantKey(principal.tenant, name));
    const credentials = context.registry.list('credential', principal.tenant).filter(({ value }) => value.source === name);
    return {
      source: { ...describe(call, record, asked), limits: context.flow.quotas.of('source', { tenant: principal.tenant, source: name }) },
      credentials: shownCredentials(credentials, known, context.clock.nowMs()),
    };
  },
};

interface Asked {
  readonly totals: ReadonlyMap<string, SourceTotals> | undefined;
  readonly known: ReadonlyMap<string, KnownSource>;
}

/** What the store and ingest know; a store that is down hides nothing of what ingest knows. */
async function ask({ context, principal }: ApiCall): Promise<Asked> {
  const [totals, known] = await Promise.all([
    context.store.sourceTotals(principal.tenant).catch((error: unknown) => {
      if (isTocsinError(error, 'api.duty_down')) return undefined;
      throw error;
    }),
    context.sources.facts.known(principal.tenant),
  ]);
  return { totals: totals && new Map(totals.map((each) => [each.source, each])), known };
}

function describe({ context, principal }: ApiCall, record: SourceRecord, { totals, known }: Asked): object {
  const sent = totals?.get(record.name);
  const heard = heardOf(record, known.get(tenantKey(principal.tenant, record.name)), {
    silence: context.sources.silence,
    nowMs: context.clock.nowMs(),
  });
  return {
    ...record,
    events: sent?.events ?? 0,
    duplicates: sent?.duplicates ?? 0,
    ...(sent ? { lastReceivedMs: sent.lastReceivedMs } : {}),
    refused: context.flow.admission.refusals.of(principal.tenant).get(record.name) ?? [],
    heard,
  };
}
