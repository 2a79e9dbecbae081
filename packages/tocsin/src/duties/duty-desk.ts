/**
 * Whom to ask for a duty: a thread of this process where it has the duty, else a member that has. Also lets other processes ask the
 * threads of this one, and says which duties run and where.
 */
import type { RequestReply } from '@tocsin/bus';
import { isTocsinError, type Position, type Scope } from '@tocsin/core';
import type { DutyStatus } from '../api/installation-status.ts';
import { type InstallationOptions, isWorker } from '../installation-options.ts';
import { type Asking, answerMembers, askMember, memberClient } from '../members/ask-members.ts';
import { type MemberFigures, ownFigures, parseFigures } from '../members/member-figures.ts';
import { DETECT_QUESTIONS, STORE_QUESTIONS } from '../members/member-questions.ts';
import type { MemberRecord } from '../members/member-record.ts';
import { Members } from '../members/members.ts';
import type { Duty } from '../topology.ts';
import { MEMBERS_BUCKET } from '../topology.ts';
import type { Surroundings } from '../wire.ts';
import type { DetectApi } from './detect-api.ts';
import type { InstallationBus } from './installation-bus.ts';
import { leastPosition } from './least-position.ts';
import { openBus } from './open-bus.ts';
import { settledEverywhere } from './settled-everywhere.ts';
import type { RunningListener } from './start-listeners.ts';
import type { Threads } from './start-threads.ts';
import type { StoreApi } from './store-api.ts';
import type { ThreadApi, ThreadClient } from './thread-call.ts';

/** Answers for the duties of the whole installation. */
export interface DutyDesk {
  readonly store: ThreadClient<StoreApi>;
  readonly detect: ThreadClient<DetectApi>;
  readonly settled: ReturnType<typeof settledEverywhere>;
  /** Every duty: of this process as it is, of others as their records say. Asks nobody. */
  duties(): DutyStatus[];
  /** Processes that share the duties; none where this one has them all. */
  members(): readonly MemberRecord[];
  /** What each of those processes says of itself, by its name: asked of all at once, for two seconds. */
  figures(): Promise<ReadonlyMap<string, FiguresAnswer>>;
}

/** What came of asking a process for its figures. */
export type FiguresAnswer = MemberFigures | 'other version' | 'no answer';

/** What the desk is made of. */
export interface DeskGround {
  readonly options: InstallationOptions;
  readonly bus: InstallationBus;
  readonly threads: Threads;
  readonly member: string;
  readonly around: Surroundings;
  readonly scope: Scope;
  /** Listeners of this process, filled as they are opened. */
  readonly listeners: readonly RunningListener[];
}

/** Longest wait for the figures of a process, milliseconds. */
const FIGURES_MS = 2_000;

/** Opens the desk. */
export async function openDutyDesk(ground: DeskGround): Promise<DutyDesk> {
  const { threads, bus, options, around } = ground;
  const shared = bus.isExternal ? await joinMembers(ground) : undefined;
  const store = threads.store?.client ?? clientOf<StoreApi>('store', shared);
  const match = options.settings.duties.includes('match') ? threads.detect?.client : undefined;
  const detect = shared ? sharedDetect(match, shared) : (threads.detect?.client ?? clientOf<DetectApi>('match', shared));
  const settled = settledEverywhere(
    async (lane, position, waitMs) => {
      if (!shared) return [await detect.settled(lane, position, waitMs)];
      const asked = shared
        .alive('correlate')
        .map((one) => askMember(shared, one, { of: 'detect', name: 'settled', args: [lane, position, waitMs] }));
      return (await Promise.all(asked)) as number[][];
    },
    { shards: options.settings.detect.foldShards, clock: around.clock },
  );
  return {
    store,
    detect,
    settled,
    members: () => shared?.members.list() ?? [],
    figures: () => figuresOf(ground, shared),
    duties: () => dutiesOf(ground, shared),
  };
}

interface Shared {
  readonly members: Members;
  readonly calls: RequestReply;
  /** Members that have a duty. */
  alive(duty: Duty): readonly MemberRecord[];
}

/** Lets other processes ask this one's threads, and tells them of the duties that its detection thread does not tell of itself. */
export async function answerOthers(ground: DeskGround): Promise<RequestReply> {
  const { options, bus, threads, member, scope, listeners } = ground;
  const calls = scope.add('questions to members', await openBus({ ...bus.address('api'), name: 'tocsin-ask' }));
  // It ends with its bus, which tells whoever still waits for an answer.
  await answerMembers(calls, member, {
    ...(threads.store && { store: { names: STORE_QUESTIONS, client: threads.store.client } }),
    ...(threads.detect && { detect: { names: DETECT_QUESTIONS, client: threads.detect.client } }),
    process: { names: new Set(['figures']), client: { figures: async () => ownFigures(threads, listeners) } },
  });
  if (options.settings.duties.includes('store') && isWorker(options)) await joinAsFront(ground);
  return calls;
}

async function joinMembers(ground: DeskGround): Promise<Shared> {
  const calls = await answerOthers(ground);
  const members = await joinAsFront(ground);
  return { members, calls, alive: (duty) => members.list().filter((one) => one.duties.includes(duty)) };
}

async function joinAsFront({ options, bus, member, around, scope }: DeskGround): Promise<Members> {
  const membersBus = scope.add('bus of the members', await openBus(bus.address('api')));
  const members = await Members.open({
    bucket: membersBus.bucket(MEMBERS_BUCKET),
    id: `${member}-front`,
    node: member,
    epoch: around.nextId(),
    duties: options.settings.duties.filter((duty) => duty !== 'match' && duty !== 'correlate'),
    version: options.version,
    clock: around.clock,
    onTrouble: around.onTrouble,
    onReplaced: (error) => around.onTrouble(error, 'telling the members of this process'),
  });
  return scope.add('membership', members);
}

function clientOf<A extends ThreadApi>(duty: Duty, shared: Shared | undefined): ThreadClient<A> {
  if (!shared) throw new TypeError(`no thread has the duty ${duty} and there is nobody else to ask`);
  return memberClient<A>(shared, duty);
}

/** What only all who match know together is asked of all of them. */
function sharedDetect(own: ThreadClient<DetectApi> | undefined, shared: Shared): ThreadClient<DetectApi> {
  const one = own ?? clientOf<DetectApi>('match', shared);
  const all = async <T>(duty: Duty, name: keyof DetectApi, args: readonly unknown[]): Promise<T[]> =>
    (await Promise.all(shared.alive(duty).map((member) => askMember(shared, member, { of: 'detect', name, args })))) as T[];
  const everywhere: Partial<ThreadClient<DetectApi>> = {
    folds: clientOf<DetectApi>('correlate', shared).folds,
    foldedTo: async () => leastPosition(await all<Position | undefined>('correlate', 'foldedTo', [])),
    costs: async () => (await all<Awaited<ReturnType<ThreadClient<DetectApi>['costs']>>>('match', 'costs', [])).flat(),
    reached: async (...args) => (await all<boolean>('match', 'reached', args)).every(Boolean),
  };
  return new Proxy(one, { get: (target, name) => Reflect.get(everywhere, name) ?? Reflect.get(target, name) });
}

async function figuresOf(
  { threads, listeners, member }: DeskGround,
  shared: Shared | undefined,
): Promise<ReadonlyMap<string, FiguresAnswer>> {
  const found = new Map<string, FiguresAnswer>();
  if (!shared) return found;
  const processes = new Map(shared.members.list().map((one) => [one.node, one]));
  await Promise.all(
    [...processes].map(async ([node, one]) =>
      found.set(node, node === member ? ownFigures(threads, listeners) : await askFigures(shared, one)),
    ),
  );
  return found;
}

async function askFigures(asking: Asking, member: MemberRecord): Promise<FiguresAnswer> {
  try {
    return (
      parseFigures(await askMember(asking, member, { of: 'process', name: 'figures', args: [], withinMs: FIGURES_MS })) ?? 'other version'
    );
  } catch (error) {
    if (!isTocsinError(error)) throw error;
    // Of a version that does not know the question: it answers that it has no such duty.
    return isTocsinError(error, 'api.duty_down') && error.cause === undefined ? 'other version' : 'no answer';
  }
}

function dutiesOf({ options, threads }: DeskGround, shared: Shared | undefined): DutyStatus[] {
  const own: DutyStatus[] = [
    { duty: 'ingest', state: 'running', restarts: 0 },
    ...(threads.detect ? [threads.detect.status()] : []),
    ...(threads.store ? [threads.store.status()] : []),
  ];
  if (!shared) return own;
  const { duties, detect, bus } = options.settings;
  const elsewhere = (['ingest', 'store', 'match', 'correlate'] as const).filter((duty) => !duties.includes(duty));
  const here = duties.includes('ingest') ? own : own.slice(1);
  return [
    ...here,
    ...elsewhere.map((duty): DutyStatus => {
      const isAlive = shared.alive(duty).length > 0;
      return {
        duty,
        state: isAlive ? 'running' : 'failed',
        restarts: 0,
        ...(isAlive ? {} : { reason: 'no process with this duty is alive' }),
      };
    }),
    ...unheld(shared, 'match', { count: bus.partitions, what: 'partitions' }),
    ...unheld(shared, 'correlate', { count: detect.foldShards, what: 'fold shards' }),
  ];
}

/** A duty that somebody has, but not all of whose work somebody holds. */
function unheld(shared: Shared, duty: 'match' | 'correlate', { count, what }: { count: number; what: string }): DutyStatus[] {
  const alive = shared.alive(duty);
  const held = new Set(alive.flatMap((one) => one.holds[duty]));
  const open = Array.from({ length: count }, (_, thing) => thing).filter((thing) => !held.has(thing));
  if (alive.length === 0 || open.length === 0) return [];
  return [{ duty, state: 'waiting', restarts: 0, reason: `${what} ${open.join(', ')} are passing to another process` }];
}
