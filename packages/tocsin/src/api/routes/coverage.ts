/** `GET /coverage`: which events rules have looked at, per source and stretch of time, and what became of the others. */
import { TocsinError } from '@tocsin/core';
import { MATCHES_FILTER } from '../../subjects.ts';
import type { ApiContext, Route } from '../route.ts';

interface Asked {
  readonly rule?: string;
  readonly source?: string;
  readonly fromMs?: number;
  readonly toMs?: number;
  readonly everyMs?: number;
  readonly limit: number;
}

/** How long to wait until the ledger knows what was judged by now, milliseconds. */
const LEDGER_WITHIN_MS = 5000;

const COUNTS = {
  events: 'Events of the source that the rule has to look at',
  evaluated: 'Judged by the rule when they came',
  caughtUp: 'Judged by it later, by a catch-up',
  late: 'Of those, how many came too late to be placed exactly by correlations',
  dropped: 'Could not be judged, and are dead letters',
  waiting: 'Not judged yet',
  otherVersion: 'Judged by another version of the rule only',
  unknown: 'Nobody knows any more by which rules they were judged',
  notLoaded: 'The rule was not there, or was refused',
  quarantined: 'The rule was in quarantine',
  needs_values: 'Values for placeholders of the rule were missing',
  no_log_source: 'No mapping read events for the rule',
  missing_reference: 'Rules that the correlation refers to were not in force',
} as const;

const countSchemas = Object.fromEntries(Object.entries(COUNTS).map(([name, description]) => [name, { type: 'integer', description }]));

/** Which events rules have looked at. */
export const showCoverage: Route = {
  method: 'GET',
  path: '/coverage',
  action: 'rules.read',
  summary: 'Show which events rules have looked at',
  query: {
    type: 'object',
    additionalProperties: false,
    properties: {
      rule: {
        type: 'string',
        minLength: 1,
        maxLength: 256,
        description: 'Id of a rule; without one, every rule that has missed something',
      },
      source: { type: 'string', minLength: 1, maxLength: 128 },
      fromMs: { type: 'integer', description: 'Least event time, milliseconds since 1970, to the minute' },
      toMs: { type: 'integer', description: 'Event time before which events are counted, milliseconds since 1970' },
      everyMs: { type: 'integer', minimum: 60000, description: 'Length of a stretch; one for everything where absent' },
      limit: { type: 'integer', minimum: 1, maximum: 1000, default: 200, description: 'Most lines' },
    },
  },
  answer: {
    type: 'object',
    required: ['lines', 'unparsed'],
    properties: {
      lines: {
        type: 'array',
        items: {
          type: 'object',
          required: ['rule', 'title', 'source', 'fromMs', 'toMs', ...Object.keys(COUNTS)],
          properties: {
            rule: { type: 'string' },
            title: { type: 'string' },
            source: { type: 'string' },
            fromMs: { type: 'integer' },
            toMs: { type: 'integer' },
            ...countSchemas,
          },
        },
      },
      unparsed: {
        type: 'array',
        description: 'Records that this process could not read since it started, by receive time: no rule ever saw them',
        items: {
          type: 'object',
          required: ['source', 'code', 'records', 'fromMs', 'toMs'],
          properties: {
            source: { type: 'string' },
            code: { type: 'string' },
            records: { type: 'integer' },
            fromMs: { type: 'integer' },
            toMs: { type: 'integer' },
          },
        },
      },
    },
  },
  async handle({ context, principal, query }) {
    const { rule, ...asked } = query as unknown as Asked;
    const { tenant } = principal;
    const { store, detect } = context;
    await ledgerReached(context);
    const listed = await detect.ruleVersions(tenant);
    const titles = new Map(listed.map(({ id, title }) => [id, title]));
    const routing = await detect.routing(tenant, await store.seenMappings(tenant));
    const rules = rule === undefined ? listed : [listed.find(({ id }) => id === rule) ?? { id: rule, version: undefined }];
    const lines = await store.coverage({ tenant, rules, routing, gapsOnly: rule === undefined, ...asked });
    if (rule !== undefined && lines.length === 0 && !titles.has(rule)) throw new TocsinError('api.not_found', { what: 'rule', id: rule });
    return { lines: lines.map((line) => ({ title: titles.get(line.rule) ?? '', ...line })), unparsed: context.unparsed.of(tenant, asked) };
  },
};

/** Resolves when the ledger knows what was judged by now, or after a moment. */
export async function ledgerReached({ bus, store }: Pick<ApiContext, 'bus' | 'store'>): Promise<void> {
  const { last, messages } = await bus.info(MATCHES_FILTER);
  if (last !== undefined && messages > 0) await store.coverageReached(last, LEDGER_WITHIN_MS);
}
