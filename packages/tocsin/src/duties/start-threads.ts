/** Starts the threads that duties run in: the store's, and that of match and correlate. What runs inside is in `*-thread.ts`. */
import { join, resolve } from 'node:path';
import type { Scope } from '@tocsin/core';
import { compiledCodeFolder } from '../compiled-code.ts';
import type { Reload } from '../config/reload.ts';
import type { InstallationOptions } from '../installation-options.ts';
import { readRuleFiles } from '../rules/read-rule-files.ts';
import type { RuleFile } from '../rules/rule-book.ts';
import type { DetectApi } from './detect-api.ts';
import type { DetectBoot } from './detect-thread.ts';
import type { InstallationBus } from './installation-bus.ts';
import type { StoreApi } from './store-api.ts';
import type { StoreBoot } from './store-thread.ts';
import { SupervisedThread } from './supervised-thread.ts';

/** The threads of a process: those that its duties need. */
export interface Threads {
  /** Reads the files of rules again and puts them in force, where this process matches. */
  readonly reload: Reload;
  readonly store: SupervisedThread<StoreApi> | undefined;
  readonly detect: SupervisedThread<DetectApi> | undefined;
}

/** What threads are started with. */
export interface ThreadGround {
  readonly bus: InstallationBus;
  readonly scope: Scope;
  /** Name of this process among the members. */
  readonly member: string;
}

/** Duties of the detection thread. */
const DETECT_DUTIES = ['match', 'correlate'] as const;
/** Heaps, MiB: all of it, and the room for new objects. */
const DETECT_HEAP = { heapMiB: 1024, youngMiB: 24 };
/** Memory by which the process may grow while one frame is judged: far more than any takes. Bytes. */
const MAX_GROWTH_BYTES = 1024 ** 3;
/** Heap of the process that judges suspected events, MiB. */
const SANDBOX_HEAP_MIB = 512;
const STORE_HEAP = { heapMiB: 512, youngMiB: 6 };

/** Starts them side by side. Each is in the scope as soon as it runs: should the other not start, it is stopped again. @throws the first failure */
export async function startThreads(options: InstallationOptions, ground: ThreadGround): Promise<Threads> {
  const { duties } = options.settings;
  const { scope } = ground;
  const hasDetect = duties.includes('match') || duties.includes('correlate');
  const [store, detect] = await allOrFirstFailure([
    duties.includes('store') ? startStore(options, ground).then((thread) => scope.add('store thread', thread)) : Promise.resolve(undefined),
    hasDetect ? startDetect(options, ground).then((thread) => scope.add('detection thread', thread)) : Promise.resolve(undefined),
  ]);
  return { store, detect, reload: rulesReload(options, detect) };
}

/** The thread that comes in place of one that ends must know the new files as well. */
function rulesReload(options: InstallationOptions, detect: SupervisedThread<DetectApi> | undefined): Reload {
  return {
    paths: ['rules.shipped', 'rules.folders'],
    async apply(settings) {
      if (detect === undefined || !settings.duties.includes('match')) return;
      const rules = await readSharedRules({ ...options, settings });
      await detect.client.shareRules(rules);
      detect.changeData({ rules } satisfies Partial<DetectBoot>);
    },
  };
}

async function readSharedRules({ settings, shippedRules }: Pick<InstallationOptions, 'settings' | 'shippedRules'>): Promise<RuleFile[]> {
  const folders = [...(settings.rules.shipped ? [shippedRules] : []), ...settings.rules.folders];
  return (await Promise.all(folders.map(readRuleFiles))).flat();
}

function startStore({ dataDir, logger, settings }: InstallationOptions, { bus }: ThreadGround): Promise<SupervisedThread<StoreApi>> {
  const data: StoreBoot = { store: bus.address('store'), folder: join(dataDir, 'store'), latenessMs: settings.detect.allowedLateness };
  return SupervisedThread.start<StoreApi>({ name: 'store', script: scriptOf('store-thread'), data, logger, ...STORE_HEAP });
}

async function startDetect(options: InstallationOptions, { bus, member }: ThreadGround): Promise<SupervisedThread<DetectApi>> {
  const { dataDir, settings, logger, version } = options;
  const rules = await readSharedRules(options);
  const data: DetectBoot = {
    match: bus.address('match'),
    correlate: bus.address('correlate'),
    partitions: settings.bus.partitions,
    foldShards: settings.detect.foldShards,
    member,
    duties: settings.duties,
    version,
    idleAfterMs: settings.detect.idleAfter,
    latenessMs: settings.detect.allowedLateness,
    rules,
    cacheFolder: join(dataDir, 'cache'),
    codeFolder: compiledCodeFolder(),
    detectors: settings.detect.detectors.map((path) => resolve(dataDir, path)),
    sandbox: { deadlineMs: settings.detect.deadline, heapMiB: SANDBOX_HEAP_MIB },
  };
  const watch = { deadlineMs: settings.detect.deadline, maxGrowthBytes: MAX_GROWTH_BYTES };
  return SupervisedThread.start<DetectApi>({
    name: DETECT_DUTIES.filter((duty) => settings.duties.includes(duty)).join(', '),
    script: scriptOf('detect-start'),
    data,
    logger,
    watch,
    ...DETECT_HEAP,
  });
}

/** Script of a thread beside this file: built, or as source where Node runs the sources. */
function scriptOf(name: string): URL {
  return new URL(`./${name}${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);
}

/** Waits for all of them, whatever becomes of each, so that nothing is left starting. */
async function allOrFirstFailure<A, B>(started: readonly [Promise<A>, Promise<B>]): Promise<[A, B]> {
  await Promise.allSettled(started);
  return Promise.all(started);
}
