/**
 * Which rule set is in force: shared files plus what tenants have added on CHANGES. A change compiles a new set beside
 * the old one, keeps it in the bucket, and only then puts it in force; a set that cannot be kept never judges anything.
 * Among several members one leads: it compiles and announces, the others load what it has announced.
 */
import { comparePositions, type StateBucket } from '@tocsin/bus';
import { type LogSource, type Position, TocsinError } from '@tocsin/core';
import type { ProgramStore } from '@tocsin/detect';
import { saveRuleList } from '../coverage/rule-list.ts';
import type { Registry } from '../registry/registry.ts';
import type { ParsedRuleStore } from './parsed-rule-store.ts';
import { type QuarantinedRule, RuleBook, type RuleFile } from './rule-book.ts';
import type { RuleControl, RulesRecord } from './rule-control.ts';

/** What activation is made of. */
export interface RuleActivationOptions {
  readonly registry: Registry;
  readonly shared: readonly RuleFile[];
  readonly logSources: readonly LogSource[];
  readonly bucket: StateBucket;
  /** Where it is kept what each set holds, and the time then; nowhere where absent. */
  readonly lists?: { readonly bucket: StateBucket; readonly nowMs: () => number } | undefined;
  /** Where programs of the filter are looked for before they are made. */
  readonly programs?: ProgramStore | undefined;
  /** Where what the shared files come to is looked for before they are parsed. */
  readonly parsedRules?: ParsedRuleStore | undefined;
  /** How far out of order events may come and still be placed exactly by correlations, milliseconds. Default: a minute. */
  readonly latenessMs?: number | undefined;
  readonly onTrouble: (error: unknown, what: string) => void;
  /** What all members agree upon; absent where nobody shares. */
  readonly control?: RuleControl | undefined;
}

/** Pause before rules are tried again that could not be put in force, milliseconds. */
const RETRY_MS = 1000;

/** Sets remembered that were in force before: they share with the one in force what they have in common. */
const MOST_FORMER = 8;

/** Keeps the rule set in force current. */
export class RuleActivation implements Disposable {
  #options: RuleActivationOptions;
  readonly #stopListening: () => void;
  readonly #waiting = new Set<() => void>();
  readonly #stop = new AbortController();
  #book: RuleBook;
  /** Sets that were in force before, the latest last. */
  #former: readonly RuleBook[] = [];
  #order: number;
  #reached: Position | undefined;
  /** Newest change of rules seen on CHANGES. */
  #newestRule: Position | undefined;
  #work: Promise<void> = Promise.resolve();
  #isScheduled = false;
  #rulesChanged = false;
  #retry: NodeJS.Timeout | undefined;

  private constructor(options: RuleActivationOptions, { book, order }: InForce, reached: Position | undefined) {
    this.#options = options;
    this.#book = book;
    this.#order = order;
    this.#reached = reached;
    this.#newestRule = newestRule(options.registry);
    this.#stopListening = options.registry.onChange((kind) => {
      if (kind === 'rule' || kind === 'quarantine') {
        this.#rulesChanged = true;
        this.#newestRule = options.registry.position;
      }
      this.#schedule();
    });
    if (options.control) void this.#follow(options.control);
    // What came while the first set was compiled and kept.
    if (options.registry.position !== reached) {
      this.#rulesChanged = true;
      this.#schedule();
    }
  }

  /** Compiles and keeps the first rule set. */
  static async open(options: RuleActivationOptions): Promise<RuleActivation> {
    const reached = options.registry.position;
    return new RuleActivation(options, (await announced(options)) ?? (await compiled(options, reached)), reached);
  }

  /** Order number of the set in force; 0 where nobody shares. */
  get order(): number {
    return this.#order;
  }

  /** Resolves when a set of at least this order is in force. @throws the abort reason */
  async orderReached(order: number, signal: AbortSignal): Promise<void> {
    while (this.#order < order && this.#options.control !== undefined) {
      signal.throwIfAborted();
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  }

  /** To be called when it may have become this member's part to lead. */
  reconsider(): void {
    this.#rulesChanged = true;
    this.#schedule();
  }

  /**
   * Puts other shared files in force; resolves once they judge, or once the member that leads has been left to say so. @throws config.rules_not_taken where
   * one of them holds a rule that is refused and was not before: then everything stays as it was.
   */
  async share(files: readonly RuleFile[]): Promise<void> {
    const options = { ...this.#options, shared: files };
    const quarantine = quarantinedRules(options);
    const book = RuleBook.compile(ruleFiles(options), options.logSources, { quarantine, before: this.#book });
    const known = new Set(this.#book.refusedFor('').map(refusalOf));
    const [first, ...more] = book.refusedFor('').filter((refused) => !known.has(refusalOf(refused)));
    if (first !== undefined)
      throw new TocsinError('config.rules_not_taken', { at: `${first.path}:${first.line}`, reason: first.reason, more: more.length });
    this.#options = options;
    this.reconsider();
    await this.#work;
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
    this.#stop.abort();
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
        if (!(await this.#takeOver(upTo))) return;
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

  /** Puts in force what should be by now; false where the member that leads has not said so yet: then its word is waited for. */
  async #takeOver(upTo: Position | undefined): Promise<boolean> {
    const { control } = this.#options;
    if (control === undefined || control.isLeader()) {
      await this.#activate(upTo);
      return true;
    }
    const record = await control.read();
    if (record && record.order > this.#order) this.#set(await load(this.#options, record, this.#book));
    const changes = record?.changes ?? undefined;
    const isCovered = this.#newestRule === undefined || (changes !== undefined && comparePositions(changes, this.#newestRule) >= 0);
    // Looked at again with the next record.
    this.#rulesChanged ||= !isCovered;
    this.#wake();
    return isCovered;
  }

  async #activate(upTo: Position | undefined): Promise<void> {
    const { control, logSources } = this.#options;
    const files = ruleFiles(this.#options);
    const quarantine = quarantinedRules(this.#options);
    const isSame = this.#book.hashes.hash(files, quarantine) === this.#book.hash;
    if (isSame && control === undefined) return;
    const book = isSame ? this.#book : RuleBook.compile(files, logSources, { quarantine, before: this.#book });
    if (!isSame) await keep(this.#options, book);
    const record = await control?.announce(book.hash, upTo);
    this.#set({ book, order: record?.order ?? 0 });
  }

  #set({ book, order }: InForce): void {
    if (book !== this.#book) this.#former = [...this.#former, this.#book].slice(-MOST_FORMER);
    this.#book = book;
    this.#order = order;
  }

  async #followOnce(control: RuleControl, signal: AbortSignal): Promise<void> {
    for await (const record of control.watch(signal)) if (record.order > this.#order || this.#rulesChanged) this.reconsider();
  }

  /** Goes over to what another member has announced. */
  async #follow(control: RuleControl): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await this.#followOnce(control, signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#options.onTrouble(error, 'following the rule set in force');
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

/** What a refusal is known again by, wherever in its file it stands. */
function refusalOf({ path, rule, reason }: ReturnType<RuleBook['refusedFor']>[number]): string {
  return JSON.stringify([path, rule, reason]);
}

/** A rule set and its order. */
interface InForce {
  readonly book: RuleBook;
  readonly order: number;
}

/** What the member that leads has announced; undefined for that member itself, or where nothing was announced yet. */
async function announced(options: RuleActivationOptions): Promise<InForce | undefined> {
  const { control } = options;
  if (control === undefined || control.isLeader()) return undefined;
  const record = await control.read();
  return record && (await load(options, record));
}

async function compiled(options: RuleActivationOptions, upTo: Position | undefined): Promise<InForce> {
  const book = RuleBook.compile(ruleFiles(options), options.logSources, {
    quarantine: quarantinedRules(options),
    programs: options.programs,
    parsedRules: options.parsedRules,
    latenessMs: options.latenessMs,
  });
  await keep(options, book);
  const record = await options.control?.announce(book.hash, upTo);
  return { book, order: record?.order ?? 0 };
}

/** Keeps a set and the list of what it holds. */
async function keep({ bucket, lists }: RuleActivationOptions, book: RuleBook): Promise<void> {
  await book.save(bucket);
  if (lists !== undefined) await saveRuleList(lists.bucket, book, lists.nowMs());
}

async function load(options: RuleActivationOptions, { hash, order }: RulesRecord, before?: RuleBook): Promise<InForce> {
  const { bucket, logSources, programs, parsedRules, latenessMs } = options;
  const book = await RuleBook.load(bucket, hash, { logSources, programs, parsedRules, latenessMs, before });
  if (!book) throw new TocsinError('store.rule_set_missing', { hash });
  return { book, order };
}

function newestRule(registry: Registry): Position | undefined {
  const positions = [...registry.list('rule'), ...registry.list('quarantine')].map((entry) => entry.position);
  return positions.reduce<Position | undefined>((a, b) => (a !== undefined && comparePositions(a, b) > 0 ? a : b), undefined);
}

function ruleFiles({ shared, registry }: RuleActivationOptions): RuleFile[] {
  const added = registry.list('rule').filter((entry) => entry.value.removedMs === undefined);
  return [...shared, ...added.map(({ tenant, value }) => ({ path: value.path, text: value.text, tenant }))];
}

function quarantinedRules({ registry }: RuleActivationOptions): QuarantinedRule[] {
  const held = registry.list('quarantine').filter((entry) => entry.value.liftedMs === undefined);
  return held.map(({ tenant, id, value: { reason, sinceMs } }) => ({ tenant, ruleId: id, reason, sinceMs }));
}
