/** One run with faults and the run without that it is compared with. Read this first: it is the whole experiment. */
import { isSound, judge, type Verdict } from './checker.ts';
import { type FaultCounts, hasFault, needsBusLink, needsClock } from './fault-kinds.ts';
import { type Fault, startSchedule } from './fault-schedule.ts';
import { plantForeignFrame } from './foreign-frame.ts';
import { type LogContent, readInstallation } from './independent-reader.ts';
import { openInstallation } from './installation.ts';
import { type Plan, type PlannedSource, planSources } from './planted-events.ts';
import { nothingSent, produce, type Sender, type Sent } from './producers.ts';
import { openVolume, type Volume } from './volume.ts';

/** What is run. */
export type FaultOptions = Plan & {
  readonly faults: FaultCounts;
  /** Path of `main.js`; the built one by default. Only the run with faults uses it. */
  readonly program?: string | undefined;
  /** Alert ids of an earlier run without faults over the same plan; otherwise one is made. */
  readonly reference?: readonly string[] | undefined;
};

/** What came of it. */
export type FaultResult = {
  readonly seed: number;
  readonly events: number;
  readonly sources: number;
  readonly attempted: number;
  readonly acked: number;
  readonly seconds: number;
  readonly unsure: Readonly<Record<string, number>>;
  readonly faults: readonly Fault[];
  readonly expectedAlerts: number;
  readonly verdict: Verdict;
  /** Alert ids of the run without faults. */
  readonly reference: readonly string[];
  readonly isSound: boolean;
};

/** Runs both and judges. */
export async function runFaults(options: FaultOptions): Promise<FaultResult> {
  const sources = planSources(options);
  const reference = options.reference ?? (await runQuietly(options, sources));
  const began = performance.now();
  const { sent, log, faults } = await runOnce(options, sources);
  const verdict = judge({ sources, sent, log, reference });
  return {
    seed: options.seed,
    events: options.events,
    sources: options.sources,
    attempted: sent.attempted.length,
    acked: sent.acked.size,
    seconds: Math.round((performance.now() - began) / 100) / 10,
    unsure: sent.unsure,
    faults,
    expectedAlerts: sources.reduce((sum, { alerts }) => sum + alerts.length, 0),
    verdict,
    reference,
    isSound: isSound(verdict),
  };
}

/** What failed, in lines for a person: seed, kills, the first things that went wrong. */
export function explain(result: FaultResult): string {
  const wrong = Object.entries(result.verdict.failures).filter(([, count]) => count > 0);
  const faults = result.faults.map(({ what, atAcked }) => `${what}@${atAcked}`).join(', ');
  return [`seed ${result.seed}: ${JSON.stringify(Object.fromEntries(wrong))}`, `faults: ${faults}`, ...result.verdict.examples].join('\n');
}

/** The run without faults; it must be sound by itself. Resolves with its alert ids. */
async function runQuietly(options: FaultOptions, sources: readonly PlannedSource[]): Promise<readonly string[]> {
  const { sent, log } = await runOnce({ ...options, faults: {}, program: undefined }, sources);
  const verdict = judge({ sources, sent, log });
  if (!isSound(verdict))
    throw new Error(`the run without faults is not sound: ${JSON.stringify(verdict.failures)}\n${verdict.examples.join('\n')}`);
  return verdict.alertIds;
}

/** Longer than any recovery: the events of the source that lags would be late if it were taken for idle. */
const IDLE_AFTER = '2m';

type Finished = { readonly sent: Sent; readonly log: LogContent; readonly faults: readonly Fault[] };

async function runOnce(options: FaultOptions, sources: readonly PlannedSource[]): Promise<Finished> {
  await using volume = volumeFor(options.faults);
  const { program, faults } = options;
  await using installation = await openInstallation({
    program,
    volume: volume ?? undefined,
    idleAfter: IDLE_AFTER,
    hasBusLink: hasFault(faults, needsBusLink),
    hasClock: hasFault(faults, needsClock),
  });
  const senders: Sender[] = [];
  for (const source of sources) senders.push({ source, token: await installation.addSource(source.name) });
  const sent = nothingSent();
  const { seed, postEvents } = options;
  const send = (some: readonly Sender[], onAcked: (acked: number) => void): Promise<void> =>
    produce({ senders: some, seed, postEvents, url: () => installation.link.url, onAcked }, sent);
  // Folds wait for the sources they know: the one that lags, the last, must be known before the others' time moves on.
  const lagging = senders.slice(-1);
  await send(
    lagging.map((sender) => part(sender, 0, postEvents)),
    () => undefined,
  );
  await installation.settle();
  // From here on faults strike: whoever asked the program something before would not have had an answer.
  const schedule = startSchedule(installation, options);
  const rest = [...senders.slice(0, -1), ...lagging.map((sender) => part(sender, postEvents))];
  await Promise.all([send(rest, schedule.progress).finally(schedule.finish), schedule.done]);
  await plantForeignFrame(installation.bus);
  await installation.settle();
  return { sent, log: await readInstallation(installation.bus), faults: schedule.faults };
}

function part({ source, token }: Sender, from: number, to?: number): Sender {
  return { source: { ...source, events: source.events.slice(from, to) }, token };
}

/** Only what loses power needs a volume of its own. */
function volumeFor(faults: FaultCounts): Volume | null {
  if (!faults['power loss']) return null;
  const volume = openVolume();
  if (typeof volume === 'string') throw new Error(volume);
  return volume;
}
