/**
 * Says in the log what ingest found odd about events: a claim of another tenant, the same id with other content. A flood of
 * such events makes a bounded number of lines and one that counts the rest.
 */
import type { Clock, EventFlag } from '@tocsin/core';
import type { IntakeOptions } from '@tocsin/ingest';
import type { Logger } from 'pino';
import { eventFields } from './event-fields.ts';

/** Flags that somebody should look at; missing and clamped times are counted with the source, not told one by one. */
const TOLD: Readonly<Partial<Record<EventFlag, string>>> = {
  tenant_claim: "An event names a tenant other than its credential's; it was stored under its credential's",
  id_conflict: 'An event has the id of an earlier one and other content; both were stored',
};
/** Lines per second at most. */
const LINES_PER_SECOND = 10;

/** Takes note of flagged events. */
export function createFlagLog(logger: Logger, clock: Clock): NonNullable<IntakeOptions['onFlagged']> {
  let secondMs = 0;
  let lines = 0;
  let untold = 0;
  return (source, event) => {
    for (const flag of event.flags) {
      const text = TOLD[flag];
      if (text === undefined) continue;
      const nowMs = clock.nowMs();
      if (nowMs - secondMs >= 1000) {
        if (untold > 0) logger.warn({ events: untold }, 'More flagged events came than are told one by one');
        [secondMs, lines, untold] = [nowMs, 0, 0];
      }
      if (lines >= LINES_PER_SECOND) untold += 1;
      else {
        lines += 1;
        logger.warn({ ...eventFields({ ...event, tenant: source.tenant }), source: source.name, flag }, text);
      }
    }
  };
}
