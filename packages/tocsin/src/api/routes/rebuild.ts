/** `POST /projections/rebuild`: removes alert table and frame catalogue, which are then built anew from the log. Operators only. */
import { isTocsinError, type Lane, type Position } from '@tocsin/core';
import { ALERTS_FILTER, EVENT_LANES, eventsFilter } from '../../subjects.ts';
import type { ApiContext, Route } from '../route.ts';

/** Pause before the store is asked again while its thread starts anew, milliseconds. */
const AGAIN_AFTER_MS = 100;

export const rebuild: Route = {
  method: 'POST',
  path: '/projections/rebuild',
  action: 'installation.write',
  summary: 'Build the alert table and the frame catalogue anew from the log',
  body: {
    type: 'object',
    additionalProperties: false,
    properties: { waitMs: { type: 'integer', minimum: 0, maximum: 600000, default: 60000, description: 'Longest wait' } },
  },
  answer: {
    type: 'object',
    required: ['rebuilt'],
    properties: { rebuilt: { type: 'boolean', description: 'False when the wait ended first: it goes on' } },
  },
  async handle({ context, principal, body }) {
    const { waitMs } = body as { waitMs: number };
    return await context.privileged(principal, { action: 'installation.write', resource: 'projections', after: 'rebuilt' }, async () => {
      const ends = await endsOf(context);
      await context.store.rebuild().catch((error: unknown) => {
        if (!isTocsinError(error, 'api.duty_down')) throw error;
      });
      return { rebuilt: await reached(context, ends, context.clock.monotonicMs() + waitMs) };
    });
  },
};

interface Ends {
  readonly alerts: Position | undefined;
  readonly lanes: Readonly<Record<Lane, Position | undefined>>;
}

async function endsOf({ bus }: Pick<ApiContext, 'bus'>): Promise<Ends> {
  const end = async (filter: string): Promise<Position | undefined> => {
    const { last, messages } = await bus.info(filter);
    return messages === 0 ? undefined : last;
  };
  return { alerts: await end(ALERTS_FILTER), lanes: { live: await end(eventsFilter('live')), bulk: await end(eventsFilter('bulk')) } };
}

/** Whether the projections have come as far as the log had. */
async function reached(context: Pick<ApiContext, 'store' | 'clock' | 'closing'>, ends: Ends, untilMs: number): Promise<boolean> {
  const { store, clock, closing } = context;
  const leftMs = (): number => Math.max(0, Math.ceil(untilMs - clock.monotonicMs()));
  for (;;) {
    try {
      return await isAt(store, ends, leftMs);
    } catch (error) {
      // Its thread starts anew.
      if (!isTocsinError(error, 'api.duty_down') || leftMs() === 0 || closing.aborted) throw error;
      await new Promise((resolve) => setTimeout(resolve, AGAIN_AFTER_MS));
    }
  }
}

async function isAt(store: ApiContext['store'], ends: Ends, leftMs: () => number): Promise<boolean> {
  for (const lane of EVENT_LANES) {
    const end = ends.lanes[lane];
    if (end !== undefined && !(await store.framesReached(lane, end, leftMs()))) return false;
  }
  return ends.alerts === undefined || (await store.alertsReached(ends.alerts, leftMs()));
}
