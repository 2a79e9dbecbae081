/** What takes events in: intake, doors over HTTP, listeners. The path behind them is `wireIngest`; the server that shows the doors is in `api/`. */
import type { Scope } from '@tocsin/core';
import {
  createHttpDoors,
  type DoorLimits,
  type HttpDoor,
  type Intake,
  ListenerCounts,
  loadMappings,
  readShippedMappings,
  type ServeDoorsOptions,
} from '@tocsin/ingest';
import type { ApiContext } from './api/route.ts';
import type { InstallationSettings } from './config/settings.ts';
import { createDrop } from './deadletters/drop.ts';
import { createQuarantine } from './deadletters/quarantine.ts';
import { takeRedrivenRecords } from './deadletters/redriven-records.ts';
import { openBusDoor } from './duties/bus-door.ts';
import { openBus } from './duties/open-bus.ts';
import { openWebhooks } from './duties/open-webhooks.ts';
import { startListeners } from './duties/start-listeners.ts';
import { createFlagLog } from './flag-log.ts';
import { recallIds } from './flow/recall-ids.ts';
import type { InstallationGround } from './installation-ground.ts';
import type { InstallationOptions } from './installation-options.ts';
import type { SourceBook } from './registry/source-book.ts';
import { createForbiddenAudit } from './security/audit-forbidden.ts';
import { createAuditTrail } from './security/audit-trail.ts';
import { type createAuthenticate, createAuthenticateSource } from './security/authenticate.ts';
import { IN_FILTER } from './subjects.ts';
import { type Bus, type Surroundings, wireIngest } from './wire.ts';

/** What ingest is opened with beside the ground. */
export interface IngestOptions {
  readonly options: InstallationOptions;
  readonly context: ApiContext;
  readonly authenticate: ReturnType<typeof createAuthenticate>;
}

/** How long a start waits for ids to be recalled, milliseconds. */
const RECALL_WAIT_MS = 300;

/** Opens the listeners; resolves with the doors that a server is to show. The scope closes all of it, and what was taken in is finished. */
export async function openIngest(ingest: IngestOptions, ground: InstallationGround): Promise<ServeDoorsOptions> {
  const { options, context } = ingest;
  const { scope, around } = ground;
  const { book, activity } = context.sources;
  const bus = scope.add('bus of ingest', await openBus(ground.bus.address('ingest')));
  const intake = context.unparsed.watch(standing(openIntake(ingest, ground, bus), book));
  const onForbidden = createForbiddenAudit({ ...around, trail: createAuditTrail(context.bus) });
  const authenticate = createAuthenticateSource(ingest.authenticate, book, onForbidden);
  const { admission } = context.flow;
  const webhooks = await openWebhooks({
    settings: options.settings.webhooks,
    book,
    environment: options.environment,
    nowMs: () => around.clock.nowMs(),
  });
  const started = await startListeners({
    dataDir: options.dataDir,
    settings: options.settings.listeners,
    environment: options.environment,
    book,
    authenticate,
    emit: intake.emit,
    precheck: admission.precheck,
    clock: around.clock,
    nextId: around.nextId,
    onTrouble: around.onTrouble,
    scope,
  });
  ground.listeners.push(...started);
  startBusDoor(bus, intake, { context, ground });
  await recallBeside(options, { context, intake, around, scope });
  const doors = createHttpDoors({ webhooks });
  const countsOf = countDoors(doors, ground);
  return {
    doors,
    authenticate,
    intake,
    admission,
    countsOf,
    onDroppedBefore: activity.droppedBefore.bind(activity),
    limits: doorLimits(options.settings),
  };
}

/** The intake for sources as they stand when a batch comes, however long its connection has been open. */
function standing(intake: Intake, book: SourceBook): Intake {
  return {
    emit: async (source, records, options) => intake.emit(book.standing(source), records, options),
    remember: (owner, events) => intake.remember(owner, events),
  };
}

/** Shows the doors of the HTTP server among the listeners. */
function countDoors(doors: readonly HttpDoor[], { listeners }: InstallationGround): (door: string) => ListenerCounts {
  const counts = new Map(doors.map(({ name }) => [name, new ListenerCounts()]));
  for (const { name, routes } of doors)
    listeners.push({ kind: 'http', name, address: routes[0]?.url ?? '', counts: counts.get(name) as ListenerCounts });
  return (door) => counts.get(door) ?? new ListenerCounts();
}

function openIntake({ options, context }: IngestOptions, { scope, around }: InstallationGround, bus: Bus): Intake {
  const { settings, logger } = options;
  const { framer, intake } = wireIngest(bus, loadMappings(readShippedMappings()), {
    ...around,
    partitions: settings.bus.partitions,
    site: settings.site,
    maxSkewMs: settings.ingest.maxSkew,
    onFlagged: createFlagLog(logger, around.clock),
    admission: context.flow.admission,
    activity: context.sources.activity,
    quarantine: createQuarantine({ ...around, bus: context.bus, site: settings.site }),
    stall: context.flow.stall,
    makeRoom: (lane) => context.flow.makeRoom(lane),
  });
  scope.add('framer', framer);
  void takeRedrivenRecords({ ...around, bus: context.bus, intake, book: context.sources.book });
  return intake;
}

/** The door for foreign producers on the bus: there is always one. */
function startBusDoor(bus: Bus, intake: Intake, { context, ground }: { context: ApiContext; ground: InstallationGround }): void {
  const { scope, around } = ground;
  const counts = new ListenerCounts();
  const door = { name: 'nats/in', emit: intake.emit, counts, onTrouble: around.onTrouble };
  const drop = createDrop({ ...around, bus });
  // Listed once somebody has come in by it: most installations have no producer on NATS.
  const onFirst = (): unknown => ground.listeners.push({ kind: 'nats', name: 'in', address: IN_FILTER, counts });
  const nowMs = (): number => around.clock.nowMs();
  scope.add('door on the bus', openBusDoor({ bus, book: context.sources.book, context: door, drop, nowMs, onFirst }));
}

/** Recalls ids while everything else goes on; waited for only a little, as at worst resends of before are stored again. */
async function recallBeside(
  { logger }: InstallationOptions,
  { context, intake, around, scope }: { context: ApiContext; intake: Intake; around: Surroundings; scope: Scope },
): Promise<void> {
  const { bus, store } = context;
  const recalled = recallIds({ bus, store, intake, nowMs: around.clock.nowMs(), signal: scope.signal }).then(
    (ids) => logger.debug({ ids }, 'Recalled the ids of the last minutes'),
    (error: unknown) => scope.signal.aborted || around.onTrouble(error, 'recalling ids; resends of before are stored again'),
  );
  await Promise.race([recalled, new Promise((resolve) => setTimeout(resolve, RECALL_WAIT_MS).unref())]);
}

function doorLimits({ ingest }: InstallationSettings): Partial<DoorLimits> {
  return {
    maxBodyBytes: ingest.maxBodyBytes,
    maxPlainBytes: ingest.maxInflatedBytes,
    maxInFlightBytes: ingest.maxInFlightBytes,
    maxInFlightBytesPerSource: ingest.maxInFlightBytesPerSource,
  };
}
