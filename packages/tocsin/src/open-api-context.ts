/** What API routes are given: the duties that answer them, the registry, quotas and status, all running before anybody may ask. */
import { printSettings } from '@tocsin/core/setting';
import { SourceActivity } from '@tocsin/ingest';
import { createFollowerPlaces } from './api/follower-places.ts';
import type { ApiContext } from './api/route.ts';
import { createStatus, type StatusDesk, type StatusSources } from './api/status.ts';
import { openCatchUps } from './catchup/open-catch-ups.ts';
import { installationSettings } from './config/settings.ts';
import { UnparsedRecords } from './coverage/unparsed-records.ts';
import { RedrivePace } from './deadletters/redrive-pace.ts';
import { type DutyDesk, openDutyDesk } from './duties/duty-desk.ts';
import { openBus } from './duties/open-bus.ts';
import { openProducerDesk, type ProducerDesk } from './duties/producer-desk.ts';
import { startThreads } from './duties/start-threads.ts';
import { type DiskGuard, openDiskGuard } from './flow/disk-guard.ts';
import { createFlowControl } from './flow/flow-control.ts';
import { openFlowWatch } from './flow/open-flow-watch.ts';
import { memberName } from './identity.ts';
import type { InstallationGround } from './installation-ground.ts';
import type { InstallationOptions } from './installation-options.ts';
import { Registry, type SourceRecord } from './registry/registry.ts';
import { SourceBook } from './registry/source-book.ts';
import { BacktestDesk } from './replay/backtest-desk.ts';
import type { ReplayDesk } from './replay/replay-desk.ts';
import { startReplays } from './replay/start-replays.ts';
import { BudgetWatch, startBudgetWatch } from './rules/budget-watch.ts';
import { quarantineOverBudget } from './rules/quarantine-over-budget.ts';
import { createAuditTrail } from './security/audit-trail.ts';
import { createPrivileged } from './security/privileged.ts';
import { resolveSecret } from './security/resolve-secret.ts';
import { FactsKeeper } from './sources/facts-keeper.ts';
import { SilenceWatch } from './sources/silence-watch.ts';
import { SOURCES_BUCKET } from './topology.ts';
import type { Bus, Surroundings } from './wire.ts';

/** Connections over which a tenant may follow events, alerts and matches at once. */
const FOLLOWERS_PER_TENANT = 64;

/** Longest pause between two writings of what is known of sources, milliseconds. */
const FACTS_EVERY_MS = 10_000;

/** Starts the duties and opens what the API asks. */
export async function openApiContext(options: InstallationOptions, ground: InstallationGround): Promise<ApiContext> {
  const { bus, scope, around } = ground;
  const { settings } = options;
  const apiBus: Bus = scope.add('bus of the API', await openBus(bus.address('api')));
  const registry = scope.add('registry', await Registry.open(apiBus, (error) => around.onTrouble(error, 'following CHANGES')));
  const producers = admitProducers(registry, ground);
  const disk = await watchDisk(options, ground);
  const flow = createFlowControl({ clock: around.clock, registry, settings: settings.quotas, disk });
  ground.reloads.push({ paths: ['quotas.'], apply: ({ quotas }) => flow.quotas.setDefaults(quotas) });
  const member = await memberOf(options, ground);
  const [sources, desk] = await Promise.all([
    openSources(options, ground, { bus: apiBus, registry, member }),
    openDuties(options, ground, member),
  ]);
  flow.attach(scope.add('flow watch', await openFlowWatch(options, { bus, desk, flow, around, scope })));
  const status = openStatus(options, ground, { bus: apiBus, registry, desk, flow });
  const privileged = createPrivileged({ trail: createAuditTrail(apiBus), clock: around.clock, nextId: around.nextId });
  const catchUps = scope.add('catch-ups', openCatchUps(options, { bus, apiBus, desk, around }));
  const watch = startBudgetWatch(watchBudget(options, { around, registry, privileged, detect: desk.detect }));
  scope.add('budget watch', async () => watch[Symbol.dispose]());
  const replays: ReplayDesk = await startReplays(options, { bus, apiBus, member, around, scope });
  return {
    bus: apiBus,
    registry,
    store: desk.store,
    detect: desk.detect,
    settled: desk.settled,
    privileged,
    producers,
    flow,
    sources,
    clock: around.clock,
    nextId: around.nextId,
    status: status.of,
    readiness: status.readiness,
    strains: status.strains,
    settings: () => printSettings(installationSettings, settings),
    followers: createFollowerPlaces(FOLLOWERS_PER_TENANT),
    replays,
    backtests: new BacktestDesk({
      replay: bus.address('replay'),
      idleAfterMs: settings.detect.idleAfter,
      latenessMs: settings.detect.allowedLateness,
      withinMs: settings.replays.backtestWithin,
    }),
    redrives: new RedrivePace(around.clock),
    catchUps,
    unparsed: new UnparsedRecords(around.clock),
    closing: scope.signal,
  };
}

function openStatus(
  { version, settings }: InstallationOptions,
  { startedMs, bus, listeners }: InstallationGround,
  opened: Pick<StatusSources, 'bus' | 'registry' | 'desk' | 'flow'>,
): StatusDesk {
  return createStatus({ ...opened, version, site: settings.site, startedMs, busServer: bus.version, topology: bus.topology, listeners });
}

async function watchDisk({ dataDir, settings }: InstallationOptions, { scope, around }: InstallationGround): Promise<DiskGuard> {
  const onTrouble = (error: unknown): void => around.onTrouble(error, 'asking how full the disk is');
  return scope.add('disk guard', await openDiskGuard(dataDir, settings.retention.reserveBytes, onTrouble));
}

/** Lets foreign producers in, where Tocsin runs the server. */
function admitProducers(registry: Registry, { bus, scope, around }: InstallationGround): ProducerDesk | undefined {
  const { producers: entry } = bus;
  return entry && scope.add('producers', openProducerDesk({ entry, registry, clock: around.clock, onTrouble: around.onTrouble }));
}

/** The threads of the duties, and whom to ask for those of other processes. */
async function openDuties(options: InstallationOptions, ground: InstallationGround, member: string): Promise<DutyDesk> {
  const { bus, scope, around } = ground;
  const threads = await startThreads(options, { bus, scope, member });
  // The first to be asked: what it refuses, nobody takes over.
  ground.reloads.unshift(threads.reload);
  return await openDutyDesk({ options, bus, threads, member, around, scope, listeners: ground.listeners });
}

/** What is known of sources, kept and watched. */
async function openSources(
  options: InstallationOptions,
  ground: InstallationGround,
  { bus, registry, member }: { bus: Bus; registry: Registry; member: string },
): Promise<ApiContext['sources']> {
  const { scope, around } = ground;
  const { clock, onTrouble } = around;
  const { silence } = options.settings.sources;
  const activity = new SourceActivity(clock);
  const bucket = bus.bucket(SOURCES_BUCKET);
  const everyMs = Math.min(FACTS_EVERY_MS, silence.checkEvery);
  const facts = scope.add('facts of sources', await FactsKeeper.open({ bucket, member, activity, clock, everyMs, onTrouble }));
  const sourceOf = (tenant: string, source: string): SourceRecord | undefined => {
    const record = registry.get(tenant, 'source', source)?.value;
    return record?.revokedMs === undefined ? record : undefined;
  };
  const watch = { bus, bucket, known: () => facts.known(), sourceOf, settings: silence, clock, onTrouble };
  scope.add('watch over silent sources', await SilenceWatch.open(watch));
  const { rotationGrace, privacyKey: reference } = options.settings.sources;
  const { environment } = options;
  const privacyKey = reference && (await resolveSecret(reference, { at: 'sources.privacyKey', environment }));
  return { activity, facts, book: new SourceBook({ registry, clock, privacyKey }), silence, rotationGraceMs: rotationGrace };
}

function memberOf(
  { dataDir, settings }: InstallationOptions,
  { bus, around }: Pick<InstallationGround, 'bus' | 'around'>,
): Promise<string> {
  return bus.isExternal ? memberName(dataDir, around.nextId) : Promise.resolve(settings.site);
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
