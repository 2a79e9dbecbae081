/** Finds the rate that the product keeps up with: up in steps until it does not, then down from the last that it did until one is kept up with for a minute. */
import type { Behind } from './product-under-load.ts';
import type { GeneratorSecond } from './run-ledger.ts';

/** What is needed for it. */
export type RateSearch = {
  /** Offers a rate for so many seconds and tells how it went. */
  readonly offer: (eventsPerSecond: number, seconds: number) => Promise<RateStep>;
  /** Waits until nothing is left to be judged. */
  readonly drain: () => Promise<void>;
};

/** How a rate went. */
export type RateStep = { readonly offered: number; readonly keptUp: boolean; readonly why: string };

const FIRST = 5000;
const FACTOR = 1.2;
const STEP_SECONDS = 10;
const WARM_SECONDS = 15;
/** A few seconds may be lived through by falling behind a little all the time; a minute may not. */
const PROOF_SECONDS = 60;
const DOWN_FACTOR = 0.9;
/** A request that waits longer for a connection, or an answer that takes longer, is not kept up with. */
const MAX_ANSWER_MS = 1000;
/** Judging may be this far behind at the end of a step. */
const MAX_BEHIND_MS = 3000;

/** Resolves with the rate to hold and every step tried. */
export async function findRate({ offer, drain }: RateSearch): Promise<{ rate: number; steps: RateStep[] }> {
  await offer(FIRST, WARM_SECONDS);
  const steps: RateStep[] = [];
  let best = FIRST;
  for (let rate = FIRST * FACTOR; ; rate *= FACTOR) {
    let step = await offer(Math.round(rate / 100) * 100, STEP_SECONDS);
    // Once more: a neighbour on the machine must not end the climb.
    if (!step.keptUp) {
      steps.push(step);
      await drain();
      step = await offer(step.offered, STEP_SECONDS);
    }
    steps.push(step);
    if (!step.keptUp) break;
    best = step.offered;
  }
  return { rate: await provenRate(best, { offer, drain }, steps), steps };
}

/** The first rate, from `best` down, that is kept up with for a minute; `steps` gets every one tried. No rate below the first of the climb is proven. */
async function provenRate(best: number, { offer, drain }: RateSearch, steps: RateStep[]): Promise<number> {
  for (let rate = best * DOWN_FACTOR; ; rate *= DOWN_FACTOR) {
    await drain();
    const offered = Math.max(FIRST, Math.round(rate / 100) * 100);
    const step = await offer(offered, PROOF_SECONDS);
    steps.push({ ...step, why: `for ${PROOF_SECONDS} s: ${step.why}` });
    if (step.keptUp || offered === FIRST) {
      await drain();
      return offered;
    }
  }
}

/** Judges the seconds of a step. The first third is not looked at: the rate before still shows in it. */
export function judgeStep(offered: number, seconds: readonly GeneratorSecond[], behind: Behind): RateStep {
  const counted = seconds.slice(Math.floor(seconds.length / 3));
  const refused = counted.flatMap((second) => Object.entries(second.refused).map(([why, count]) => `${why} × ${count}`));
  const answers = counted.flatMap(({ answersMs }) => answersMs).sort((a, b) => a - b);
  const p99 = answers[Math.floor(answers.length * 0.99)] ?? Number.POSITIVE_INFINITY;
  const waiting = Math.max(0, ...counted.map(({ waitingMs }) => waitingMs));
  const wrong = [
    ...(refused.length > 0 ? [`refused ${refused.slice(0, 3).join(', ')}`] : []),
    ...(p99 > MAX_ANSWER_MS || waiting > MAX_ANSWER_MS ? [`answers p99 ${Math.round(p99)} ms, waiting ${waiting} ms`] : []),
    ...(behind.ageMs > MAX_BEHIND_MS ? [`judging ${Math.round(behind.ageMs / 100) / 10} s behind`] : []),
  ];
  const why = wrong.length > 0 ? wrong.join('; ') : `answers p99 ${Math.round(p99)} ms, judging ${Math.round(behind.ageMs)} ms behind`;
  return { offered, keptUp: wrong.length === 0, why };
}
