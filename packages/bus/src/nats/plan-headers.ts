/** Plans as JetStream has them: message schedules (ADR-51), by headers. Read from both what is planned and what a plan has put somewhere. */
import type { MsgHdrs } from '@nats-io/transport-node';
import type { Plan } from '../event-bus.ts';

/** Headers of a plan. The server drops the id of what it puts somewhere, so ours travels beside it. */
export const PLAN = { time: 'Nats-Schedule', target: 'Nats-Schedule-Target', id: 'Tocsin-Planned-Id' } as const;
/** Begins the time of a plan for one moment. */
export const PLAN_AT = '@at ';

/** The plan that a stored message is; undefined where it is none. */
export function planOf(lines: MsgHdrs | undefined): Plan | undefined {
  const time = lines?.get(PLAN.time) ?? '';
  if (!time.startsWith(PLAN_AT)) return undefined;
  return { subject: lines?.get(PLAN.target) ?? '', atMs: Date.parse(time.slice(PLAN_AT.length)) };
}
