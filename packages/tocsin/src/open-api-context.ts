/** What API routes are given: the duties that answer them, the registry, quotas and status, all running before anybody may ask. */
import { printSettings } from '@tocsin/core/setting';
import { createFollowerPlaces } from './api/follower-places.ts';
import type { ApiContext } from './api/route.ts';
import { createStatus } from './api/status.ts';
import { installationSettings } from './config/settings.ts';
import { RedrivePace } from './deadletters/redrive-pace.ts';
import { type DutyDesk, openDutyDesk } from './duties/duty-desk.ts';
import { openBus } from './duties/open-bus.ts';
import { openProducerDesk } from './duties/producer-desk.ts';
import { startThreads } from './duties/start-threads.ts';
import { openDiskGuard } from './flow/disk-guard.ts';
import { createFlowControl } from './flow/flow-control.ts';
import { openFlowWatch } from './flow/open-flow-watch.ts';
import { memberName } from './identity.ts';
import type { InstallationGround } from './installation-ground.ts';
import type { InstallationOptions } from './installation-options.ts';
import { Registry } from './registry/registry.ts';
import { BudgetWatch, startBudgetWatch } from './rules/budget-watch.ts';
import { quarantineOverBudget } from './rules/quarantine-over-budget.ts';
import { createAuditTrail } from './security/audit-trail.ts';
import { createPrivileged } from './security/privileged.ts';
import type { Bus, Surroundings } from './wire.ts';

/** Connections over which a tenant may follow events, alerts and matches at once. */
const FOLLOWERS_PER_TENANT = 64;

/** Starts the duties and opens what the API asks. */
export async function openApiContext(options: InstallationOptions, ground: InstallationGround): Promise<ApiContext> {
  const { startedMs, bus, scope, around, listeners } = ground;
  const { version, settings } = options;
  const apiBus: Bus = scope.add('bus of the API', await openBus(bus.address('api')));
  const registry = scope.add('registry', await Registry.open(apiBus, (error) => around.onTrouble(error, 'following CHANGES')));
  const { producers: entry } = bus;
  const producers =
    entry && scope.add('producers', openProducerDesk({ entry, registry, clock: around.clock, onTrouble: around.onTrouble }));
  const disk = scope.add(
    'disk guard',
    await openDiskGuard(options.dataDir, settings.retention.reserveBytes, (error) =>
      around.onTrouble(error, 'asking how full the disk is'),
    ),
  );
  const flow = createFlowControl({ clock: around.clock, registry, settings: settings.quotas, disk });
  const desk = await openDuties(options, ground);
  flow.attach(scope.add('flow watch', await openFlowWatch(options, { bus, desk, flow, around, scope })));
  const status = createStatus({
    version,
    site: settings.site,
    startedMs,
    busServer: bus.version,
    bus: apiBus,
    topology: bus.topology,
    registry,
    desk,
    flow,
    listeners,
  });
  const privileged = createPrivileged({ trail: createAuditTrail(apiBus), clock: around.clock, nextId: around.nextId });
  const watch = startBudgetWatch(watchBudget(options, { around, registry, privileged, detect: desk.detect }));
  scope.add('budget watch', async () => watch[Symbol.dispose]());
  return {
    bus: apiBus,
    registry,
    store: desk.store,
    detect: desk.detect,
    settled: desk.settled,
    privileged,
    producers,
    flow,
    clock: around.clock,
    nextId: around.nextId,
    status: status.of,
    readiness: status.readiness,
    strains: status.strains,
    settings: () => printSettings(installationSettings, settings),
    followers: createFollowerPlaces(FOLLOWERS_PER_TENANT),
    redrives: new RedrivePace(around.clock),
    closing: scope.signal,
  };
}

/** The threads of the duties, and whom to ask for those of other processes. */
async function openDuties(options: InstallationOptions, { bus, scope, around }: InstallationGround): Promise<DutyDesk> {
  const member = bus.isExternal ? await memberName(options.dataDir, around.nextId) : options.settings.site;
  const threads = await startThreads(options, { bus, scope, member });
  return await openDutyDesk({ options, bus, threads, member, around, scope });
}

/** What watches the cost of rules and puts aside what takes too much, as an audited act. */
function watchBudget(
  { settings, logger }: InstallationOptions,
  { around, registry, privileged, detect }: { around: Surroundings } & Pick<ApiContext, 'registry' | 'privileged' | 'detect'>,
): BudgetWatch {
  return new BudgetWatch({
    clock: around.clock,
    percent: settings.rules.budgetPercent,
    costs: () => detect.costs(),
    onTrouble: around.onTrouble,
    async quarantine(found) {
      await quarantineOverBudget(found, { registry, privileged, clock: around.clock, budgetPercent: settings.rules.budgetPercent });
      logger.warn({ ...found }, 'A rule took more than its budget and was put in quarantine; release it with: tocsin rules release ID');
    },
  });
}
