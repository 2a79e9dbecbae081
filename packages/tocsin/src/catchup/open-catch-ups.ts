/** Puts the desk of catch-ups together: its own connection, and a thread that is started when there is something to run. */
import type { DutyDesk } from '../duties/duty-desk.ts';
import type { InstallationBus } from '../duties/installation-bus.ts';
import { SupervisedThread } from '../duties/supervised-thread.ts';
import type { InstallationOptions } from '../installation-options.ts';
import { createAuditTrail } from '../security/audit-trail.ts';
import type { Bus, Surroundings } from '../wire.ts';
import { CatchUpDesk } from './catch-up-desk.ts';
import type { CatchUpApi, CatchUpBoot } from './catch-up-thread.ts';

/** What it stands on. */
export interface CatchUpsGround {
  readonly bus: InstallationBus;
  /** Connection of the API. */
  readonly apiBus: Bus;
  readonly desk: Pick<DutyDesk, 'store' | 'detect'>;
  readonly around: Surroundings;
}

const HEAP = { heapMiB: 512, youngMiB: 16 };
/** How long the record of a catch-up must stand still before another process takes it over, milliseconds. */
const LEASE_MS = 15_000;

/** Opens the desk; what was not finished is gone on with. The caller disposes it. */
export function openCatchUps({ settings, logger }: InstallationOptions, { bus, apiBus, desk, around }: CatchUpsGround): CatchUpDesk {
  const data: CatchUpBoot = { bus: bus.address('catchup'), latenessMs: settings.detect.allowedLateness };
  const script = new URL(`./catch-up-thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);
  return new CatchUpDesk({
    ...desk,
    bus: apiBus,
    trail: createAuditTrail(apiBus),
    startThread: () => SupervisedThread.start<CatchUpApi>({ name: 'catch-up', script, data, logger, ...HEAP }),
    leaseMs: bus.isExternal ? LEASE_MS : 0,
    clock: around.clock,
    nextId: around.nextId,
    onTrouble: around.onTrouble,
  });
}
