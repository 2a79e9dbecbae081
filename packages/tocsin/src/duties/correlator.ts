/**
 * The correlator's loop: match steps in stream order in, alert changes out. Its state is rebuilt from the newest
 * checkpoint and the steps after it; what it writes again on the way is recognised and left out by the alert writer.
 * A checkpoint is saved only when every alert of the steps it covers is on ALERTS.
 */
import { setTimeout } from 'node:timers/promises';
import type { EventBus, ReplayLog, StateBucket } from '@tocsin/bus';
import { type Alert, type CatchUpNote, type Clock, isTocsinError, type LogSource, type Position, TocsinError } from '@tocsin/core';
import type { Drop } from '../deadletters/drop.ts';
import { RuleBook } from '../rules/rule-book.ts';
import { putChunked, readChunked } from '../state/chunked-value.ts';
import { MATCHES_FILTER } from '../subjects.ts';
import { AlertWriter } from './alert-writer.ts';
import { ChangedAlerts } from './changed-alerts.ts';
import { checkpointOf, type FoldShard, keysOf, WHOLE_CHECKPOINT } from './fold-shard.ts';
import { type EncodedFolds, type FoldsCheckpoint, type FoldsSaving, readFoldsCheckpoint } from './folds-checkpoint.ts';
import type { FoldsHealth } from './folds-health.ts';
import { putFoldsPlace } from './folds-place.ts';
import { FoldGuard, type FoldGuardOptions } from './isolation/fold-guard.ts';
import { parseStep } from './partition-progress.ts';
import { Pump } from './pump.ts';
import type { ReadByPartition, ReadUpTo } from './read-up-to.ts';
import { takeOverStates } from './take-over-states.ts';
import { TenantFolds } from './tenant-folds.ts';

/** What the correlator is made of. */
export interface CorrelatorOptions {
  readonly bus: Pick<EventBus, 'commit'> & ReplayLog;
  readonly manifests: StateBucket;
  readonly ruleSets: StateBucket;
  /** A rule set that this thread has at hand, by its hash; what it has not is loaded. */
  readonly bookOf?: ((hash: string) => RuleBook | undefined) | undefined;
  readonly logSources: readonly LogSource[];
  readonly clock: Clock;
  /** The door for matches that cannot be taken, and what is known of them. */
  readonly drop: Drop;
  readonly setAside: StateBucket;
  /** Detectors, and what has ended threads before. */
  readonly folding: Pick<FoldGuardOptions, 'detectors' | 'box' | 'suspects'>;
  /** Which share of the folds it keeps; all of them where absent. */
  readonly shard?: FoldShard | undefined;
  /** The set that stands in for one that was removed because every checkpoint had passed it; undefined for one that was not removed. */
  readonly successorOf?: ((hash: string) => Promise<string | undefined>) | undefined;
  /** How far out of order events may come and still be placed exactly, milliseconds; a minute where absent. */
  readonly latenessMs?: number | undefined;
  /** Where catch-ups leave their states; none are taken over where absent. */
  readonly catchUps?: StateBucket | undefined;
  /** How long a change of a known alert may wait for further ones, milliseconds; a second where absent. */
  readonly updateEveryMs?: number | undefined;
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

/** Key of the detectors' memories beside those of tenants, which no tenant can have. */
const DETECTORS = '\u0000detectors';
const ALL: FoldShard = { index: 0, count: 1 };
/** What is not saved costs a longer replay of MATCHES after a crash, a minute of it and the time of saving at most. */
const CHECKPOINT_EVERY_MS = 60_000;
/** Bytes of a checkpoint encoded between two rounds: about a millisecond. */
const SLICE_BYTES = 128 * 1024;
/** Steps waiting in memory, and steps handled between two writes. */
const WAITING_STEPS = 256;
const ROUND_STEPS = 64;
/** How often a rule set that is missing is looked for, milliseconds. */
const RULE_SET_RETRY_MS = 1000;

/** Runs until aborted, then saves a last checkpoint. @throws bus.fenced where another owner of the shard has saved since */
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
  readonly #guard: FoldGuard;
  readonly #writer: AlertWriter;
  readonly #changed: ChangedAlerts;
  #folds: TenantFolds | undefined;
  #position: Position | undefined;
  #savedPosition: Position | undefined;
  #reads: ReadByPartition = {};
  /** Order of the rule set the folds are under. */
  #order = 0;
  /** Revision of the checkpoint that was read or written last: only its successor is this correlator's to write. */
  #revision = 0;
  #nextSaveMs = 0;
  /** The checkpoint being taken. */
  #saving: FoldsSaving | undefined;
  /** The checkpoint being written; settles with what went wrong, if anything did. */
  #storing: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  private constructor(options: CorrelatorOptions, guard: FoldGuard) {
    this.#options = options;
    this.#guard = guard;
    this.#writer = new AlertWriter(options);
    this.#changed = new ChangedAlerts(options.clock, options.updateEveryMs);
  }

  static async restore(options: CorrelatorOptions): Promise<Correlator> {
    const shard = options.shard ?? ALL;
    const { clock } = options;
    const guard = await FoldGuard.open({
      ...options.folding,
      drop: options.drop,
      setAside: options.setAside,
      nowMs: () => clock.nowMs(),
      owns: keysOf(shard),
    });
    const own = await readChunked(options.manifests, checkpointOf(shard));
    const kept = own ?? (shard.count > 1 ? await readChunked(options.manifests, WHOLE_CHECKPOINT) : undefined);
    const correlator = await Correlator.#fromBytes(options, guard, kept?.value);
    correlator.#revision = own?.revision ?? 0;
    return correlator;
  }

  static async #fromBytes(options: CorrelatorOptions, guard: FoldGuard, bytes: Uint8Array | undefined): Promise<Correlator> {
    if (!bytes) return new Correlator(options, guard);
    try {
      return await Correlator.#goOn(options, guard, readFoldsCheckpoint(bytes));
    } catch (error) {
      if (!isTocsinError(error, 'detect.bad_checkpoint')) throw error;
      // A projection of the log can always be rebuilt from it: of another version of Tocsin, or damaged, it is worth no more than none.
      options.onTrouble(error, 'reading the folds checkpoint; the match steps that are kept are applied again from the first on');
      guard.restore(undefined);
      return new Correlator(options, guard);
    }
  }

  static async #goOn(options: CorrelatorOptions, guard: FoldGuard, checkpoint: FoldsCheckpoint): Promise<Correlator> {
    const correlator = new Correlator(options, guard);
    guard.restore(checkpoint.folds.get(DETECTORS));
    correlator.#folds = await correlator.#openFolds(checkpoint.ruleSet, checkpoint.folds);
    correlator.#position = checkpoint.position;
    correlator.#savedPosition = checkpoint.position;
    correlator.#reads = checkpoint.reads;
    correlator.#order = checkpoint.order ?? 0;
    options.readUpTo.advance(checkpoint.reads, checkpoint.position);
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
    for (const one of steps) await this.#apply(one);
    this.#noteHealth();
    if (this.#failure !== undefined) throw this.#failure.error;
    const isSaveDue = this.#options.clock.monotonicMs() >= this.#nextSaveMs && this.#saving === undefined && this.#storing === undefined;
    if (isSaveDue || this.#changed.dueInMs() <= 0) await this.writeChanges();
    else await this.#write(this.#changed.takeNew());
    if (isSaveDue) this.#beginCheckpoint();
    if (this.#saving?.advance(SLICE_BYTES) === true) this.#storeCheckpoint(this.#saving);
  }

  async #apply({ position, step }: PendingStep): Promise<void> {
    const folds = await this.#foldsFor(step);
    const { caughtUp } = step;
    const alerts = caughtUp === undefined ? await this.#guard.take(position, step, folds) : await this.#takeOver(position, caughtUp, folds);
    for (const alert of alerts) this.#changed.add(alert);
    this.#position = position;
    // A lane that a step does not name is one that its partition has not been read of yet.
    if (caughtUp === undefined) this.#reads = { ...this.#reads, [step.order === undefined ? '*' : step.partition]: step.read };
  }

  /** Goes on from what a catch-up has found. What the folds had found before is written first: it was said first. */
  async #takeOver(at: Position, note: CatchUpNote, folds: TenantFolds): Promise<readonly Alert[]> {
    const { bus, catchUps, shard = ALL } = this.#options;
    if (catchUps === undefined) return [];
    await this.writeChanges();
    return await takeOverStates(folds, { note, at }, { ...this.#options, log: bus, catchUps, owns: keysOf(shard) });
  }

  #noteHealth(): void {
    if (this.#folds !== undefined) this.#options.health?.note(checkpointOf(this.#options.shard ?? ALL), this.#folds.stats());
  }

  /** Writes every change that waits. */
  async writeChanges(): Promise<void> {
    await this.#write(this.#changed.takeAll());
  }

  async #write(alerts: readonly Alert[]): Promise<void> {
    await this.#writer.write(alerts);
    // Settled is what has nothing left to be written.
    if (this.#changed.isEmpty) this.#options.readUpTo.advance(this.#reads, this.#position);
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
    const place = { position: this.#position, reads: this.#reads, order: this.#order };
    this.#saving = this.#folds.save(place, new Map([[DETECTORS, this.#guard.snapshot()]]));
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
    const { manifests, shard = ALL } = this.#options;
    const about = { order: String(saving.place.order ?? 0) };
    this.#revision = await putChunked(manifests, checkpointOf(shard), { bytes: saving.finish(), expected: this.#revision, about });
    this.#savedPosition = saving.place.position;
    await putFoldsPlace(manifests, shard, saving.place.position);
  }

  /**
   * Folds under the rule set that judged a step; state moves over where the rules are still there. Partitions go over to a new set one
   * after the other: what the last of them still say by the old one is folded under the new, which never goes back.
   */
  async #foldsFor({ ruleSet, order = 0 }: PendingStep['step']): Promise<TenantFolds> {
    if (this.#folds !== undefined && (this.#folds.rules.hash === ruleSet || order < this.#order)) return this.#folds;
    this.#order = order;
    // What was being saved is under the former set, and goes on to change under this one.
    this.#saving = undefined;
    this.#folds = await this.#openFolds(ruleSet, this.#folds?.encode());
    return this.#folds;
  }

  async #openFolds(ruleSet: string, encoded?: EncodedFolds): Promise<TenantFolds> {
    const book = await this.#loadRules(ruleSet);
    const { health, shard = ALL } = this.#options;
    health?.rulesChanged(checkpointOf(shard));
    return new TenantFolds(book, encoded, {
      onDropped: (error) => {
        health?.noteDropped(checkpointOf(shard), error);
        this.#options.onTrouble(error, 'moving folds to another rule set');
      },
      owns: keysOf(shard),
    });
  }

  /** Waits where the set is not kept and should be: without it nobody can say what the matches mean, and skipping them would lose alerts. */
  async #loadRules(asked: string): Promise<RuleBook> {
    const known = this.#options.bookOf?.(asked);
    if (known !== undefined) return known;
    let hash = asked;
    const { ruleSets, logSources, latenessMs, onTrouble, onWaiting, signal } = this.#options;
    for (let waiting = false; ; waiting = true) {
      const book = await RuleBook.load(ruleSets, hash, { logSources, latenessMs, before: this.#folds?.rules });
      if (book) {
        if (waiting) onWaiting(undefined);
        return book;
      }
      const successor = await this.#options.successorOf?.(hash);
      if (successor !== undefined && successor !== hash) {
        onTrouble(
          new TocsinError('store.rule_set_missing', { hash }),
          'reading match steps of a rule set that was removed: its successor folds them',
        );
        hash = successor;
        continue;
      }
      const missing = new TocsinError('store.rule_set_missing', { hash });
      if (!waiting) onTrouble(missing, 'reading match steps');
      onWaiting(missing);
      await setTimeout(RULE_SET_RETRY_MS, undefined, { signal });
    }
  }
}
