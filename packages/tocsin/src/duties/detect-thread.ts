/** The detection thread: the duties match and correlate, one of them or both side by side, each under its own key. */
import { TocsinError } from '@tocsin/core';
import { compileMappings, loadMappings, type MappingSpec, readShippedMappings } from '@tocsin/ingest';
import { Members } from '../members/members.ts';
import type { RuleFile } from '../rules/rule-book.ts';
import { RuleControl } from '../rules/rule-control.ts';
import { CONTROL_BUCKET, type Duty, MEMBERS_BUCKET } from '../topology.ts';
import { type Bus, wireCorrelate } from '../wire.ts';
import type { DetectApi } from './detect-api.ts';
import { FoldsHealth } from './folds-health.ts';
import { openDetectors } from './isolation/detector-ground.ts';
import type { SandboxLimits } from './isolation/sandbox.ts';
import type { Watched } from './isolation/suspect.ts';
import { type MatchApi, type MatchDuty, openMatchDuty } from './match-duty.ts';
import { type BusAddress, openBus } from './open-bus.ts';
import { ownsPart } from './ownership.ts';
import { firstFrame } from './partition-progress.ts';
import { SettledShards } from './settled-shards.ts';
import { bootData, endOnFailure, serveThread, threadSurroundings } from './thread-boot.ts';

/** What the thread is started with. */
export interface DetectBoot extends Partial<Watched> {
  readonly match: BusAddress;
  readonly correlate: BusAddress;
  /** Duties of the process, among them match, correlate or both. */
  readonly duties: readonly Duty[];
  readonly partitions: number;
  /** Fold shards of the installation. */
  readonly foldShards: number;
  /** Name of this process among the members, the same after each start; and its version. */
  readonly member: string;
  readonly version: string;
  /** A source that has sent nothing for this long is idle, milliseconds. */
  readonly idleAfterMs: number;
  /** How far out of order events may come and still be placed exactly by correlations, milliseconds. */
  readonly latenessMs: number;
  /** Rules that are everybody's. */
  readonly rules: readonly RuleFile[];
  /** Folder for what takes long to make of rules; may be removed at any time. */
  readonly cacheFolder: string;
  /** Folder in which compiled code is kept; undefined where it is not. */
  readonly codeFolder?: string | undefined;
  /** Files of detectors. */
  readonly detectors: readonly string[];
  /** Bounds of the process that judges suspected events. */
  readonly sandbox: SandboxLimits;
}

const boot = bootData<DetectBoot>();
const around = threadSurroundings();
// Rules that are added must not go unheard: the next thread reads CHANGES anew.
const endThread = (error: unknown): void => void endOnFailure(Promise.reject(error), around);
const has = (duty: Duty): boolean => boot.duties.includes(duty);
const [matchBus, correlateBus] = await Promise.all([
  has('match') ? openBus(boot.match) : undefined,
  has('correlate') ? openBus(boot.correlate) : undefined,
]);
const anyBus = matchBus ?? correlateBus;
if (!anyBus) throw new TypeError('The detection thread needs the duty match or correlate');
const ground = await openDetectors(boot, around.onTrouble);
// Read from their texts once: whoever comes in place of a thread that was ended has no time to lose.
const mappings = boot.kept === undefined ? loadMappings(readShippedMappings()) : compileMappings(boot.kept as readonly MappingSpec[]);
if (boot.kept === undefined) around.keep(mappings.specs);
let match: MatchDuty | undefined;
const members = await Members.open({
  bucket: anyBus.bucket(MEMBERS_BUCKET),
  id: boot.member,
  epoch: around.nextId(),
  duties: boot.duties.filter((duty) => duty === 'match' || duty === 'correlate'),
  version: boot.version,
  clock: around.clock,
  condition: () => ({ behindMs: match?.behindMs() ?? null, ruleSet: match?.ruleSet() ?? null }),
  onTrouble: around.onTrouble,
  onReplaced: endThread,
});
const health = new FoldsHealth(around.clock, around.onStrain);
const settled = new SettledShards(boot.partitions, (asked) => firstFrame(anyBus, asked));
if (matchBus) match = await openMatchDuty({ boot, bus: matchBus, mappings, members, around, endThread, ground });

const work = Promise.all([
  match && endOnFailure(match.work, around),
  correlateBus && endOnFailure(wireCorrelate(correlateBus, mappings, correlation(correlateBus)), around),
]);

serveThread({
  ...(match?.api ?? withoutMatch()),
  folds: () => health.report(),
  foldedTo: () => settled.steps(),
  settled: (lane, position, waitMs) => settled.reached(lane, position, waitMs),
  async stop() {
    await around.stop(work);
    await members[Symbol.asyncDispose]();
    await match?.[Symbol.asyncDispose]();
    await Promise.all([matchBus?.[Symbol.asyncDispose](), correlateBus?.[Symbol.asyncDispose]()]);
  },
} satisfies DetectApi);

function correlation(bus: Bus): Parameters<typeof wireCorrelate>[2] {
  const control = new RuleControl(bus.bucket(CONTROL_BUCKET), () => false);
  return {
    ...around,
    settled,
    health,
    latenessMs: boot.latenessMs,
    bookOf: (hash: string) => match?.bookOf(hash),
    folding: ground,
    shards: boot.foldShards,
    ownership: ownsPart(members, 'correlate', boot.foldShards),
    async successorOf(hash) {
      const record = await control.read();
      if (record === undefined || record.hash === hash || record.kept.some((one) => one.hash === hash)) return undefined;
      return record.kept[0]?.hash ?? record.hash;
    },
  };
}

/** Questions about rules are for whoever matches. */
function withoutMatch(): MatchApi {
  const refuse = (): never => {
    throw new TocsinError('api.duty_down', { duty: 'match' });
  };
  return {
    rules: refuse,
    cost: refuse,
    costs: refuse,
    explain: refuse,
    fieldsSeen: refuse,
    coverage: refuse,
    routing: refuse,
    ruleVersions: refuse,
    catchUpScope: refuse,
    check: refuse,
    reached: refuse,
    shareRules: refuse,
  };
}
