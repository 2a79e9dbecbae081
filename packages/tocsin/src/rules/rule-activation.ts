/**
 * Which rule set is in force: shared files plus what tenants have added on CHANGES. A change compiles a new set beside
 * the old one, keeps it in the bucket, and only then puts it in force; a set that cannot be kept never judges anything.
 */
import { comparePositions, type StateBucket } from '@tocsin/bus';
import type { LogSource, Position } from '@tocsin/core';
import type { Registry } from '../registry/registry.ts';
import { hashRuleFiles, RuleBook, type RuleFile } from './rule-book.ts';

/** What activation is made of. */
export interface RuleActivationOptions {
  readonly registry: Registry;
  readonly shared: readonly RuleFile[];
  readonly logSources: readonly LogSource[];
  readonly bucket: StateBucket;
  readonly onTrouble: (error: unknown, what: string) => void;
}

/** Keeps the rule set in force current. */
export class RuleActivation implements Disposable {
  readonly #options: RuleActivationOptions;
  readonly #stopListening: () => void;
  readonly #waiting = new Set<() => void>();
  #book: RuleBook;
  #reached: Position | undefined;
  #work: Promise<void> = Promise.resolve();

  private constructor(options: RuleActivationOptions, book: RuleBook) {
    this.#options = options;
    this.#book = book;
    this.#reached = options.registry.position;
    this.#stopListening = options.registry.onChange((kind) => {
      if (kind === 'rule') this.#schedule();
      else this.#note();
    });
  }

  /** Compiles and keeps the first rule set. */
  static async open(options: RuleActivationOptions): Promise<RuleActivation> {
    const book = RuleBook.compile(ruleFiles(options), options.logSources);
    await book.save(options.bucket);
    return new RuleActivation(options, book);
  }

  /** The set in force. */
  get book(): RuleBook {
    return this.#book;
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
  }

  #covers(position: Position): boolean {
    return this.#reached !== undefined && comparePositions(this.#reached, position) >= 0;
  }

  /** One activation at a time, each seeing everything that had come in by then. */
  #schedule(): void {
    this.#work = this.#work.then(() => this.#activate()).catch((error: unknown) => this.#options.onTrouble(error, 'putting rules in force'));
  }

  async #activate(): Promise<void> {
    const upTo = this.#options.registry.position;
    const files = ruleFiles(this.#options);
    if (hashRuleFiles(files) !== this.#book.hash) {
      const book = RuleBook.compile(files, this.#options.logSources);
      await book.save(this.#options.bucket);
      this.#book = book;
    }
    this.#reached = upTo;
    this.#wake();
  }

  #note(): void {
    this.#work = this.#work.then(() => {
      this.#reached = this.#options.registry.position;
      this.#wake();
    });
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
