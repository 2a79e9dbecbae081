/**
 * Which rule set is in force: shared files plus what tenants have added on CHANGES. A change compiles a new set beside
 * the old one, keeps it in the bucket, and only then puts it in force; a set that cannot be kept never judges anything.
 */
import { comparePositions, type StateBucket } from '@tocsin/bus';
import type { LogSource, Position } from '@tocsin/core';
import type { ProgramStore } from '@tocsin/detect';
import type { Registry } from '../registry/registry.ts';
import { type QuarantinedRule, RuleBook, type RuleFile } from './rule-book.ts';

/** What activation is made of. */
export interface RuleActivationOptions {
  readonly registry: Registry;
  readonly shared: readonly RuleFile[];
  readonly logSources: readonly LogSource[];
  readonly bucket: StateBucket;
  /** Where programs of the filter are looked for before they are made. */
  readonly programs?: ProgramStore | undefined;
  /** How far out of order events may come and still be placed exactly by correlations, milliseconds. Default: a minute. */
  readonly latenessMs?: number | undefined;
  readonly onTrouble: (error: unknown, what: string) => void;
}

/** Pause before rules are tried again that could not be put in force, milliseconds. */
const RETRY_MS = 1000;

/** Sets remembered that were in force before: they share with the one in force what they have in common. */
const MOST_FORMER = 8;

/** Keeps the rule set in force current. */
export class RuleActivation implements Disposable {
  readonly #options: RuleActivationOptions;
  readonly #stopListening: () => void;
  readonly #waiting = new Set<() => void>();
  #book: RuleBook;
  /** Sets that were in force before, the latest last. */
  #former: readonly RuleBook[] = [];
  #reached: Position | undefined;
  #work: Promise<void> = Promise.resolve();
  #isScheduled = false;
  #rulesChanged = false;
  #retry: NodeJS.Timeout | undefined;

  private constructor(options: RuleActivationOptions, book: RuleBook, reached: Position | undefined) {
    this.#options = options;
    this.#book = book;
    this.#reached = reached;
    this.#stopListening = options.registry.onChange((kind) => {
      this.#rulesChanged ||= kind === 'rule' || kind === 'quarantine';
      this.#schedule();
    });
    // What came while the first set was compiled and kept.
    if (options.registry.position !== reached) {
      this.#rulesChanged = true;
      this.#schedule();
    }
  }

  /** Compiles and keeps the first rule set. */
  static async open(options: RuleActivationOptions): Promise<RuleActivation> {
    const reached = options.registry.position;
    const book = RuleBook.compile(ruleFiles(options), options.logSources, {
      quarantine: quarantinedRules(options),
      programs: options.programs,
      latenessMs: options.latenessMs,
    });
    await book.save(options.bucket);
    return new RuleActivation(options, book, reached);
  }

  /** The set in force. */
  get book(): RuleBook {
    return this.#book;
  }

  /** A set that is in force or was a short while ago, by its hash. */
  bookOf(hash: string): RuleBook | undefined {
    return [this.#book, ...this.#former].find((book) => book.hash === hash);
  }

  /** Resolves with true when everything up to this position of CHANGES is in force, with false after `waitMs` without. */
  async reached(position: Position, waitMs: number): Promise<boolean> {
    const deadline = AbortSignal.timeout(waitMs);
    while (!this.#covers(position)) {
      if (deadline.aborted) return false;
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
        deadline.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    return true;
  }

  [Symbol.dispose](): void {
    this.#stopListening();
    clearTimeout(this.#retry);
  }

  #covers(position: Position): boolean {
    return this.#reached !== undefined && comparePositions(this.#reached, position) >= 0;
  }

  /** One activation at a time, each for everything that has come in by then: a thousand new rules are not compiled a thousand times. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#work = this.#work.then(() => this.#catchUp());
  }

  async #catchUp(): Promise<void> {
    this.#isScheduled = false;
    const upTo = this.#options.registry.position;
    if (this.#rulesChanged) {
      this.#rulesChanged = false;
      try {
        await this.#activate();
      } catch (error) {
        // Tried again by itself: rules that were accepted must not wait for the next change.
        this.#rulesChanged = true;
        this.#options.onTrouble(error, 'putting rules in force');
        this.#retry = setTimeout(() => this.#schedule(), RETRY_MS).unref();
        return;
      }
    }
    this.#reached = upTo;
    this.#wake();
  }

  async #activate(): Promise<void> {
    const files = ruleFiles(this.#options);
    const quarantine = quarantinedRules(this.#options);
    if (this.#book.hashes.hash(files, quarantine) === this.#book.hash) return;
    const book = RuleBook.compile(files, this.#options.logSources, { quarantine, before: this.#book });
    await book.save(this.#options.bucket);
    this.#former = [...this.#former, this.#book].slice(-MOST_FORMER);
    this.#book = book;
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

function ruleFiles({ shared, registry }: RuleActivationOptions): RuleFile[] {
  const added = registry.list('rule').filter((entry) => entry.value.removedMs === undefined);
  return [...shared, ...added.map(({ tenant, value }) => ({ path: value.path, text: value.text, tenant }))];
}

function quarantinedRules({ registry }: RuleActivationOptions): QuarantinedRule[] {
  const held = registry.list('quarantine').filter((entry) => entry.value.liftedMs === undefined);
  return held.map(({ tenant, id, value: { reason, sinceMs } }) => ({ tenant, ruleId: id, reason, sinceMs }));
}
