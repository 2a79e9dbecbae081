/** `POST /settle`: waits until every event stored so far has been judged and counted and its alerts are visible. */
import type { Position } from '@tocsin/core';
import { ALERTS_FILTER, EVENTS_STREAM, eventsFilter } from '../../subjects.ts';
import type { ApiContext, Route } from '../route.ts';

export const settle: Route = {
  method: 'POST',
  path: '/settle',
  action: 'alerts.read',
  summary: 'Wait until every event stored so far has been judged and counted, and its alerts are visible',
  body: {
    type: 'object',
    additionalProperties: false,
    properties: { waitMs: { type: 'integer', minimum: 0, maximum: 60000, default: 30000, description: 'Longest wait' } },
  },
  answer: {
    type: 'object',
    required: ['settled', 'alertsAt'],
    properties: {
      settled: { type: 'boolean', description: 'False when the wait ended first' },
      alertsAt: { type: ['string', 'null'], description: 'Position of the newest change of an alert; null where there is none' },
    },
  },
  async handle({ context, body }) {
    const { waitMs } = body as { waitMs: number };
    const untilMs = context.clock.monotonicMs() + waitMs;
    const leftMs = (): number => Math.max(0, Math.ceil(untilMs - context.clock.monotonicMs()));
    for (const lane of Object.keys(EVENTS_STREAM) as (keyof typeof EVENTS_STREAM)[]) {
      const { last, messages } = await context.bus.info(eventsFilter(lane));
      if (!last || messages === 0) continue;
      const [judged, counted] = await Promise.all([
        context.settled(lane, last, leftMs()),
        context.store.framesReached(lane, last, leftMs()),
      ]);
      if (!judged || !counted) return { settled: false, alertsAt: await newestAlert(context) };
    }
    const alertsAt = await newestAlert(context);
    return { settled: alertsAt === null || (await context.store.alertsReached(alertsAt, leftMs())), alertsAt };
  },
};

async function newestAlert({ bus }: ApiContext): Promise<Position | null> {
  const { last, messages } = await bus.info(ALERTS_FILTER);
  return last === undefined || messages === 0 ? null : last;
}
