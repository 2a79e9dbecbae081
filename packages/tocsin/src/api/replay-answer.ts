/** A replay as the API tells it. */
import type { ReplayView } from '../replay/replay-desk.ts';
import { NOTHING_DONE, type ReplayCounts, type ReplayPhase, type ReplaySpec } from '../replay/replay-order.ts';
import type { JsonSchema } from './route.ts';

/** What is told of a replay. */
export interface ReplayAnswer extends ReplayCounts {
  readonly id: string;
  readonly tenant: string;
  readonly phase: ReplayPhase;
  readonly reason?: string | undefined;
  readonly actor: string;
  readonly createdMs: number;
  readonly attempt: number;
  readonly spec: ReplaySpec;
  readonly share: number;
  readonly clockMs?: number | undefined;
  readonly position: Readonly<Record<string, string>>;
  readonly perSecond: number;
  readonly etaMs?: number | undefined;
  readonly ruleSet?: string | undefined;
  readonly updatedMs?: number | undefined;
}

/** An answer about one. */
export const replaySchema: JsonSchema = {
  type: 'object',
  additionalProperties: true,
  required: ['id', 'tenant', 'phase', 'spec', 'share', 'events', 'duplicates', 'matches', 'alerts', 'bytes', 'perSecond', 'position'],
  properties: {
    id: { type: 'string' },
    tenant: { type: 'string' },
    phase: { type: 'string', enum: ['waiting', 'running', 'done', 'stopped', 'failed'] },
    reason: { type: 'string', description: 'Why it failed' },
    actor: { type: 'string' },
    createdMs: { type: 'integer' },
    attempt: { type: 'integer', description: 'How often it was asked to run' },
    spec: { type: 'object', additionalProperties: true, description: 'What was asked for' },
    share: { type: 'number', description: 'Part of its range that is read, 0 to 1' },
    clockMs: { type: 'integer', description: 'Time of receipt of what is judged now' },
    position: { type: 'object', additionalProperties: { type: 'string' }, description: 'Position read last, by lane' },
    events: { type: 'integer', description: 'Events judged, each once' },
    duplicates: { type: 'integer' },
    matches: { type: 'integer' },
    alerts: { type: 'integer' },
    bytes: { type: 'integer', description: 'Bytes written' },
    perSecond: { type: 'integer', description: 'Events per second at present' },
    etaMs: { type: 'integer', description: 'Milliseconds until it is done, at this pace' },
    ruleSet: { type: 'string' },
  },
};

/** What is told of a replay. */
export function describeReplay({ order, state, phase }: ReplayView): ReplayAnswer {
  const { id, tenant, actor, createdMs, attempt, spec } = order;
  const asked = { id, tenant, phase, actor, createdMs, attempt, spec };
  if (state === undefined) return { ...asked, ...NOTHING_DONE, share: 0, position: {}, perSecond: 0 };
  const { events, duplicates, matches, alerts, bytes, share, position, clockMs, ruleSet, updatedMs, reason, perSecond, etaMs } = state;
  const isRunning = phase === 'running';
  return {
    ...asked,
    ...(phase === 'failed' ? { reason } : {}),
    events,
    duplicates,
    matches,
    alerts,
    bytes,
    share,
    position,
    clockMs,
    ruleSet,
    updatedMs,
    perSecond: isRunning ? perSecond : 0,
    ...(isRunning ? { etaMs } : {}),
  };
}
