/**
 * The correlator's loop: match steps in stream order in, alert changes out. Its state is rebuilt from the newest
 * checkpoint and the steps after it; what it writes again on the way is recognised and left out by the alert writer.
 * A checkpoint is saved only when every alert of the steps it covers is on ALERTS.
 */
import type { EventBus, ReplayLog, StateBucket } from '@tocsin/bus';
import { type Alert, type Clock, type LogSource, type Position, TocsinError } from '@tocsin/core';
import { RuleBook } from '../rules/rule-book.ts';
import { getChunked, putChunked } from '../state/chunked-value.ts';
import { MATCHES_FILTER } from '../subjects.ts';
import { AlertWriter } from './alert-writer.ts';
import { parseStep } from './partition-progress.ts';
import { Pump } from './pump.ts';
import type { ReadUpTo } from './read-up-to.ts';
import { type EncodedFolds, TenantFolds } from './tenant-folds.ts';

/** What the correlator is made of. */
export interface CorrelatorOptions {
  readonly bus: Pick<EventBus, 'commit'> & ReplayLog;
  readonly manifests: StateBucket;
  readonly ruleSets: StateBucket;
  readonly logSources: readonly LogSource[];
  readonly clock: Clock;
  /** Told what is settled. */
  readonly readUpTo: ReadUpTo;
  readonly onTrouble: (error: unknown, what: string) => void;
  /** Stops reading; what was read is still finished. */
  readonly signal: AbortSignal;
  /** Stops trying to write. */
  readonly giveUp: AbortSignal;
}

interface Checkpoint {
  readonly position: Position;
  readonly ruleSet: string;
  readonly folds: EncodedFolds;
}

interface PendingStep {
  readonly position: Position;
  readonly step: ReturnType<typeof parseStep>;
}

const CHECKPOINT = 'folds';
const CHECKPOINT_EVERY_MS = 10_000;
/** Steps waiting in memory, and steps handled between two writes. */
const WAITING_STEPS = 256;
const ROUND_STEPS = 64;

/** Runs until aborted, then saves a last checkpoint. */
export async function runCorrelator(options: CorrelatorOptions): Promise<void> {
  const correlator = await Correlator.restore(options);
  const steps = followSteps(options, correlator.position);
  while (!steps.finished) {
    const round = await steps.take(ROUND_STEPS, CHECKPOINT_EVERY_MS);
    await correlator.round(round);
  }
  await correlator.checkpoint();
}

function followSteps({ bus, signal }: CorrelatorOptions, after: Position | undefined): Pump<PendingStep> {
  const pump = new Pump<PendingStep>(WAITING_STEPS);
  const read = async (): Promise<void> => {
    for await (const stored of bus.read(MATCHES_FILTER, after ? { after } : 'first', { follow: true, signal })) {
      await pump.put({ position: stored.position, step: parseStep(stored) });
    }
  };
  read().then(
    () => pump.end(),
    (error: unknown) => pump.end(signal.aborted ? undefined : { error }),
  );
  return pump;
}

class Correlator {
  readonly #options: CorrelatorOptions;
  readonly #writer: AlertWriter;
  #folds: TenantFolds | undefined;
  #position: Position | undefined;
  #savedPosition: Position | undefined;
  #nextSaveMs = 0;

  private constructor(options: CorrelatorOptions) {
    this.#options = options;
    this.#writer = new AlertWriter(options);
  }

  static async restore(options: CorrelatorOptions): Promise<Correlator> {
    const correlator = new Correlator(options);
    const bytes = await getChunked(options.manifests, CHECKPOINT);
    if (!bytes) return correlator;
    const checkpoint = JSON.parse(Buffer.from(bytes).toString()) as Checkpoint;
    correlator.#folds = new TenantFolds(await correlator.#loadRules(checkpoint.ruleSet), checkpoint.folds);
    correlator.#position = checkpoint.position;
    correlator.#savedPosition = checkpoint.position;
    return correlator;
  }

  /** Last step applied. */
  get position(): Position | undefined {
    return this.#position;
  }

  /** Applies steps in order, writes the alerts they change, and saves a checkpoint when one is due. */
  async round(steps: readonly PendingStep[]): Promise<void> {
    const changed = new Map<string, Alert>();
    for (const { position, step } of steps) {
      const folds = await this.#foldsFor(step.ruleSet);
      for (const alert of folds.advance(step)) changed.set(`${alert.tenant}/${alert.id}`, alert);
      this.#position = position;
    }
    await this.#writer.write([...changed.values()]);
    for (const { step } of steps) this.#options.readUpTo.advance(step.read);
    if (this.#options.clock.monotonicMs() >= this.#nextSaveMs) await this.checkpoint();
  }

  /** Saves the state as of the last step applied. */
  async checkpoint(): Promise<void> {
    this.#nextSaveMs = this.#options.clock.monotonicMs() + CHECKPOINT_EVERY_MS;
    if (!this.#folds || !this.#position || this.#position === this.#savedPosition) return;
    const checkpoint: Checkpoint = { position: this.#position, ruleSet: this.#folds.rules.hash, folds: this.#folds.encode() };
    await putChunked(this.#options.manifests, CHECKPOINT, Buffer.from(JSON.stringify(checkpoint)));
    this.#savedPosition = this.#position;
  }

  /** Folds under the rule set that judged a step; state moves over where the rules are still there. */
  async #foldsFor(ruleSet: string): Promise<TenantFolds> {
    if (this.#folds?.rules.hash !== ruleSet) this.#folds = new TenantFolds(await this.#loadRules(ruleSet), this.#folds?.encode());
    return this.#folds;
  }

  async #loadRules(hash: string): Promise<RuleBook> {
    const book = await RuleBook.load(this.#options.ruleSets, hash, this.#options.logSources);
    if (!book) throw new TocsinError('store.rule_set_missing', { hash });
    return book;
  }
}
