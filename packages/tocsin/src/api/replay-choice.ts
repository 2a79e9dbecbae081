/** What a request says about the part of the log it is for, read and checked: replays and backtests take the same. */
import { checkFilter } from '@tocsin/bus';
import { type Lane, type Position, TocsinError } from '@tocsin/core';
import { compileConditions } from '../replay/field-conditions.ts';
import type { ReplaySpec } from '../replay/replay-order.ts';
import { resolveRange } from '../replay/replay-range.ts';
import { isOperator, type Principal } from '../security/principal.ts';
import type { ApiContext, JsonSchema } from './route.ts';

/** A choice as a request has it. */
export interface ReplayChoice {
  readonly tenant?: string;
  readonly from?: string;
  readonly to?: string;
  readonly time?: 'received' | 'event';
  readonly fromPosition?: string;
  readonly toPosition?: string;
  readonly lanes?: readonly Lane[];
  readonly subject?: string;
  readonly sources?: readonly string[];
  readonly where?: readonly string[];
}

const time = (about: string): JsonSchema => ({
  type: 'string',
  maxLength: 40,
  description: `${about}: a time such as 2026-01-02T03:04:05Z`,
});

/** How a request makes its choice. */
export const replayChoice: Readonly<Record<string, JsonSchema>> = {
  tenant: {
    type: 'string',
    minLength: 1,
    maxLength: 128,
    description: 'Whose events; the own tenant where left out. Others: operators only',
  },
  from: time('Events from then on'),
  to: time('Events before then'),
  time: {
    type: 'string',
    enum: ['received', 'event'],
    default: 'received',
    description: 'Whether from and to are times of receipt, which the log is ordered by, or times of the events',
  },
  fromPosition: { type: 'string', maxLength: 819, description: 'First position; of its lane alone' },
  toPosition: { type: 'string', maxLength: 819, description: 'Last position' },
  lanes: { type: 'array', maxItems: 2, items: { type: 'string', enum: ['live', 'bulk'] }, description: 'Both where left out' },
  subject: { type: 'string', maxLength: 1024, description: 'Filter over the subjects of frames, such as tocsin.events.live.3.>' },
  sources: { type: 'array', maxItems: 100, items: { type: 'string', minLength: 1, maxLength: 128 }, description: 'All where left out' },
  where: {
    type: 'array',
    maxItems: 32,
    items: { type: 'string', minLength: 1, maxLength: 4096 },
    description: 'Conditions that all hold: FIELD=VALUE or FIELD|MODIFIER=VALUE, as in a Sigma rule',
  },
};

/** Whose replays somebody asks about. @throws auth.forbidden */
export function tenantOf(principal: Principal, wanted: unknown): string {
  if (typeof wanted !== 'string' || wanted === principal.tenant) return principal.tenant;
  if (!isOperator(principal)) throw new TocsinError('auth.forbidden', { actor: principal.actor, action: 'installation.write' });
  return wanted;
}

/** @throws replay.bad_range, replay.bad_filter, bus.bad_subject, bus.bad_position, api.not_found */
export async function readReplayChoice(
  { bus, registry, clock }: Pick<ApiContext, 'bus' | 'registry' | 'clock'>,
  tenant: string,
  choice: ReplayChoice,
): Promise<Omit<ReplaySpec, 'speed' | 'rules'>> {
  const { time = 'received', lanes = [], subject, sources = [], where = [] } = choice;
  if (subject !== undefined) checkFilter(subject);
  compileConditions(where, []);
  for (const source of sources) {
    if (registry.get(tenant, 'source', source) === undefined) throw new TocsinError('api.not_found', { what: 'source', id: source });
  }
  const spec = {
    tenant,
    fromMs: readTime('from', choice.from),
    toMs: readTime('to', choice.to),
    time,
    fromPosition: choice.fromPosition as Position | undefined,
    toPosition: choice.toPosition as Position | undefined,
    lanes,
    subject,
    sources,
    where,
  };
  // What cannot be read is refused now, not by a thread later.
  await resolveRange(bus, { ...spec, speed: 0, rules: 'live' }, clock.nowMs());
  return spec;
}

function readTime(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw new TocsinError('replay.bad_range', { reason: `${name} is ${JSON.stringify(text)}, which is no time` });
  return ms;
}
