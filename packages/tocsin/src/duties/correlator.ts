/**
 * The correlator's loop: match steps in stream order in, alert changes out. Its state is rebuilt from the newest
 * checkpoint and the steps after it; what it writes again on the way is recognised and left out by the alert writer.
 * A checkpoint is saved only when every alert of the steps it covers is on ALERTS.
 */
import { setTimeout } from 'node:timers/promises';
import type { EventBus, ReplayLog, StateBucket } from '@tocsin/bus';
import { type Alert, type Clock, isTocsinError, type LogSource, type MatchStep, type Position, TocsinError } from '@tocsin/core';
import { RuleBook } from '../rules/rule-book.ts';
import { getChunked, putChunked } from '../state/chunked-value.ts';
import { MATCHES_FILTER } from '../subjects.ts';
import { AlertWriter } from './alert-writer.ts';
import { ChangedAlerts } from './changed-alerts.ts';
import { type EncodedFolds, type FoldsCheckpoint, type FoldsSaving, readFoldsCheckpoint } from './folds-checkpoint.ts';
import type { FoldsHealth } from './folds-health.ts';
import { putFoldsPlace } from './folds-place.ts';
import { parseStep } from './partition-progress.ts';
import { Pump } from './pump.ts';
import type { ReadUpTo } from './read-up-to.ts';
import { TenantFolds } from './tenant-folds.ts';

/** What the correlator is made of. */
export interface CorrelatorOptions {
  readonly bus: Pick<EventBus, 'commit'> & ReplayLog;
  readonly manifests: StateBucket;
  readonly ruleSets: StateBucket;
  readonly logSources: readonly LogSource[];
  readonly clock: Clock;
  /** How far out of order events may come and still be placed exactly, milliseconds; a minute where absent. */
  readonly latenessMs?: number | undefined;
  /** Told what the folds hold and had to leave out. */
  readonly health?: FoldsHealth | undefined;
  /** Told what is settled. */
  readonly readUpTo: ReadUpTo;
  readonly onTrouble: (error: unknown, what: string) => void;
  /** Told when correlation waits for a rule set that is not kept, with undefined once it goes on. */
  readonly onWaiting: (why: TocsinError | undefined) => void;
  /** Stops reading; what was read is still finished. */
  readonly signal: AbortSignal;
  /** Stops trying to write. */
  readonly giveUp: AbortSignal;
}

interface PendingStep {
  readonly position: Position;
  readonly step: ReturnType<typeof parseStep>;
}

const CHECKPOINT = 'folds';
/** Name of the one correlator of a process, for its health. */
const HEALTH = 'folds';
/** What is not saved costs a longer replay of MATCHES after a crash, a minute of it and the time of saving at most. */
const CHECKPOINT_EVERY_MS = 60_000;
/** Bytes of a checkpoint encoded between two rounds: about a millisecond. */
const SLICE_BYTES = 128 * 1024;
/** Steps waiting in memory, and steps handled between two writes. */
const WAITING_STEPS = 256;
const ROUND_STEPS = 64;
/** How often a rule set that is missing is looked for, milliseconds. */
const RULE_SET_RETRY_MS = 1000;

/** Runs until aborted, then saves a last checkpoint. */
export async function runCorrelator(options: CorrelatorOptions): Promise<void> {
  const correlator = await Correlator.restore(options);
  const ended = new AbortController();
  const steps = followSteps(options.bus, correlator.position, AbortSignal.any([options.signal, ended.signal]));
  try {
    while (!steps.finished) await correlator.round(await steps.take(ROUND_STEPS, correlator.patienceMs()));
    await correlator.writeChanges();
    await correlator.checkpoint();
  } finally {
    ended.abort();
  }
}

function followSteps(bus: ReplayLog, after: Position | undefined, signal: AbortSignal): Pump<PendingStep> {
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
  readonly #changed: ChangedAlerts;
  #folds: TenantFolds | undefined;
  #position: Position | undefined;
  #savedPosition: Position | undefined;
  #read: MatchStep['read'] = {};
  #nextSaveMs = 0;
  /** The checkpoint being taken. */
  #saving: FoldsSaving | undefined;
  /** The checkpoint being written; settles with what went wrong, if anything did. */
  #storing: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  private constructor(options: CorrelatorOptions) {
    this.#options = options;
    this.#writer = new AlertWriter(options);
    this.#changed = new ChangedAlerts(options.clock);
  }

  static async restore(options: CorrelatorOptions): Promise<Correlator> {
    const bytes = await getChunked(options.manifests, CHECKPOINT);
    if (!bytes) return new Correlator(options);
    try {
      return await Correlator.#goOn(options, readFoldsCheckpoint(bytes));
    } catch (error) {
      if (!isTocsinError(error, 'detect.bad_checkpoint')) throw error;
      // A projection of the log can always be rebuilt from it: of another version of Tocsin, or damaged, it is worth no more than none.
      options.onTrouble(error, 'reading the folds checkpoint; the match steps that are kept are applied again from the first on');
      return new Correlator(options);
    }
  }

  static async #goOn(options: CorrelatorOptions, checkpoint: FoldsCheckpoint): Promise<Correlator> {
    const correlator = new Correlator(options);
    correlator.#folds = await correlator.#openFolds(checkpoint.ruleSet, checkpoint.folds);
    correlator.#position = checkpoint.position;
    correlator.#savedPosition = checkpoint.position;
    correlator.#read = checkpoint.read;
    options.readUpTo.advance(checkpoint.read, checkpoint.position);
    return correlator;
  }

  /** Last step applied. */
  get position(): Position | undefined {
    return this.#position;
  }

  /** How long to wait for steps before there is something to do without them, milliseconds. */
  patienceMs(): number {
    return this.#saving === undefined ? Math.min(CHECKPOINT_EVERY_MS, this.#changed.dueInMs()) : 0;
  }

  /** Applies steps in order, writes the alerts that cannot wait or have waited, and saves a checkpoint when one is due. */
  async round(steps: readonly PendingStep[]): Promise<void> {
    for (const { position, step } of steps) {
      const folds = await this.#foldsFor(step.ruleSet);
      for (const alert of folds.advance(step)) this.#changed.add(alert);
      this.#position = position;
      this.#read = { ...this.#read, ...step.read };
    }
    this.#noteHealth();
    if (this.#failure !== undefined) throw this.#failure.error;
    const isSaveDue = this.#options.clock.monotonicMs() >= this.#nextSaveMs && this.#saving === undefined && this.#storing === undefined;
    if (isSaveDue || this.#changed.dueInMs() <= 0) await this.writeChanges();
    else await this.#write(this.#changed.takeNew());
    if (isSaveDue) this.#beginCheckpoint();
    if (this.#saving?.advance(SLICE_BYTES) === true) this.#storeCheckpoint(this.#saving);
  }

  #noteHealth(): void {
    if (this.#folds !== undefined) this.#options.health?.note(HEALTH, this.#folds.stats());
  }

  /** Writes every change that waits. */
  async writeChanges(): Promise<void> {
    await this.#write(this.#changed.takeAll());
  }

  async #write(alerts: readonly Alert[]): Promise<void> {
    await this.#writer.write(alerts);
    // Settled is what has nothing left to be written.
    if (this.#changed.isEmpty) this.#options.readUpTo.advance(this.#read, this.#position);
  }

  /** Saves the state as of the last step applied; waits until it is saved. */
  async checkpoint(): Promise<void> {
    await this.#storing;
    if (this.#failure !== undefined) throw this.#failure.error;
    this.#beginCheckpoint();
    if (this.#saving !== undefined) await this.#store(this.#saving);
  }

  /** Every alert of the steps so far must be written by now. */
  #beginCheckpoint(): void {
    this.#nextSaveMs = this.#options.clock.monotonicMs() + CHECKPOINT_EVERY_MS;
    this.#saving = undefined;
    if (!this.#folds || !this.#position || this.#position === this.#savedPosition) return;
    this.#saving = this.#folds.save({ position: this.#position, read: this.#read });
  }

  /** Writes a checkpoint while rounds go on. An outage costs a longer replay after the next start and nothing else: what cannot be saved now is saved later. */
  #storeCheckpoint(saving: FoldsSaving): void {
    const note = (error: unknown): void => {
      if (!isTocsinError(error) || error.retry === 'never') this.#failure = { error };
      else this.#options.onTrouble(error, 'saving the checkpoint of the folds');
    };
    this.#storing = this.#store(saving)
      .catch(note)
      .finally(() => {
        this.#storing = undefined;
      });
  }

  async #store(saving: FoldsSaving): Promise<void> {
    this.#saving = undefined;
    await putChunked(this.#options.manifests, CHECKPOINT, saving.finish());
    this.#savedPosition = saving.place.position;
    await putFoldsPlace(this.#options.manifests, saving.place.position);
  }

  /** Folds under the rule set that judged a step; state moves over where the rules are still there. */
  async #foldsFor(ruleSet: string): Promise<TenantFolds> {
    if (this.#folds?.rules.hash === ruleSet) return this.#folds;
    // What was being saved is under the former set, and goes on to change under this one.
    this.#saving = undefined;
    this.#folds = await this.#openFolds(ruleSet, this.#folds?.encode());
    return this.#folds;
  }

  async #openFolds(ruleSet: string, encoded?: EncodedFolds): Promise<TenantFolds> {
    const book = await this.#loadRules(ruleSet);
    this.#options.health?.rulesChanged(HEALTH);
    return new TenantFolds(book, encoded, (error) => {
      this.#options.health?.noteDropped(HEALTH, error);
      this.#options.onTrouble(error, 'moving folds to another rule set');
    });
  }

  /** Waits where the set is not kept: without it nobody can say what the matches mean, and skipping them would lose alerts. */
  async #loadRules(hash: string): Promise<RuleBook> {
    const { ruleSets, logSources, latenessMs, onTrouble, onWaiting, signal } = this.#options;
    for (let waiting = false; ; waiting = true) {
      const book = await RuleBook.load(ruleSets, hash, logSources, { latenessMs });
      if (book) {
        if (waiting) onWaiting(undefined);
        return book;
      }
      const missing = new TocsinError('store.rule_set_missing', { hash });
      if (!waiting) onTrouble(missing, 'reading match steps');
      onWaiting(missing);
      await setTimeout(RULE_SET_RETRY_MS, undefined, { signal });
    }
  }
}
