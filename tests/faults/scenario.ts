/** One run with faults and the run without that it is compared with. Read this first: it is the whole experiment. */
import { isSound, judge, type Verdict } from './checker.ts';
import { type Kill, startSchedule } from './fault-schedule.ts';
import { type LogContent, readInstallation } from './independent-reader.ts';
import { openInstallation } from './installation.ts';
import { type Plan, type PlannedSource, planSources } from './planted-events.ts';
import { nothingSent, produce, type Sent } from './producers.ts';

/** What is run. */
export type FaultOptions = Plan & {
  readonly busKills: number;
  readonly tocsinKills: number;
  /** Kills of both at once. */
  readonly bothKills: number;
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
  readonly busKills: number;
  readonly tocsinKills: number;
  readonly bothKills: number;
  readonly attempted: number;
  readonly acked: number;
  readonly seconds: number;
  readonly unsure: Readonly<Record<string, number>>;
  readonly kills: readonly Kill[];
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
  const { sent, log, kills } = await runOnce(options, sources);
  const verdict = judge({ sources, sent, log, reference });
  const count = (what: Kill['what']): number => kills.filter((kill) => kill.what === what).length;
  return {
    seed: options.seed,
    events: options.events,
    sources: options.sources,
    busKills: count('nats-server'),
    tocsinKills: count('tocsin'),
    bothKills: count('both'),
    attempted: sent.attempted.length,
    acked: sent.acked.size,
    seconds: Math.round((performance.now() - began) / 100) / 10,
    unsure: sent.unsure,
    kills,
    expectedAlerts: sources.reduce((sum, { alerts }) => sum + alerts.length, 0),
    verdict,
    reference,
    isSound: isSound(verdict),
  };
}

/** What failed, in lines for a person: seed, kills, the first things that went wrong. */
export function explain(result: FaultResult): string {
  const wrong = Object.entries(result.verdict.failures).filter(([, count]) => count > 0);
  const kills = result.kills.map(({ what, atAcked }) => `${what}@${atAcked}`).join(' ');
  return [`seed ${result.seed}: ${JSON.stringify(Object.fromEntries(wrong))}`, `kills: ${kills}`, ...result.verdict.examples].join('\n');
}

/** The run without faults; it must be sound by itself. Resolves with its alert ids. */
async function runQuietly(options: FaultOptions, sources: readonly PlannedSource[]): Promise<readonly string[]> {
  const { sent, log } = await runOnce({ ...options, busKills: 0, tocsinKills: 0, bothKills: 0, program: undefined }, sources);
  const verdict = judge({ sources, sent, log });
  if (!isSound(verdict))
    throw new Error(`the run without faults is not sound: ${JSON.stringify(verdict.failures)}\n${verdict.examples.join('\n')}`);
  return verdict.alertIds;
}

type Finished = { readonly sent: Sent; readonly log: LogContent; readonly kills: readonly Kill[] };

async function runOnce(options: FaultOptions, sources: readonly PlannedSource[]): Promise<Finished> {
  await using installation = await openInstallation({ program: options.program });
  const senders = [];
  for (const source of sources) senders.push({ source, token: await installation.addSource(source.name) });
  const schedule = startSchedule(installation, options);
  const sent = nothingSent();
  const { seed, postEvents } = options;
  const producing = produce({ senders, seed, postEvents, url: () => installation.url, onAcked: schedule.progress }, sent);
  await Promise.all([producing, schedule.done]);
  await installation.settle();
  return { sent, log: await readInstallation(installation.dataDir), kills: schedule.kills };
}
