/** The thread of one backtest, under the key of replays. */
import { loadMappings, readShippedMappings } from '@tocsin/ingest';
import { type BusAddress, openBus } from '../duties/open-bus.ts';
import { bootData, serveThread, threadSurroundings } from '../duties/thread-boot.ts';
import type { RuleFile } from '../rules/rule-book.ts';
import type { BacktestProgress, BacktestReport } from './backtest-report.ts';
import type { ReplaySpec } from './replay-order.ts';
import { runBacktest } from './run-backtest.ts';

/** What the thread is started with. */
export interface BacktestBoot {
  readonly replay: BusAddress;
  readonly spec: ReplaySpec;
  readonly files: readonly RuleFile[];
  readonly idleAfterMs: number;
  readonly latenessMs: number;
}

/** What is asked of it. */
export type BacktestApi = {
  readonly progress: () => BacktestProgress;
  /** Resolves when it has ended. */
  readonly report: () => Promise<BacktestReport>;
};

const boot = bootData<BacktestBoot>();
const around = threadSurroundings();
let progress: BacktestProgress = { share: 0, events: 0, hits: 0 };
const report = run();
// Whoever asks for it is told of a failure; until then it is nobody's surprise.
void Promise.allSettled([report]);

serveThread({ progress: () => progress, report: () => report } satisfies BacktestApi);

async function run(): Promise<BacktestReport> {
  await using bus = await openBus(boot.replay);
  return await runBacktest({
    ...boot,
    bus,
    mappings: loadMappings(readShippedMappings()),
    clock: around.clock,
    onTrouble: around.onTrouble,
    onProgress: (now) => void (progress = now),
    signal: around.signal,
  });
}
