/**
 * A rule set as it is in force: the files it is made of, their hash, and the rules compiled for each tenant. Shipped
 * rules and those of configured folders are everybody's; a rule added at run time is its tenant's alone. Rule sets are
 * kept by hash in a bucket, so that whoever reads MATCHES can load the very rules that judged an event.
 */
import type { StateBucket } from '@tocsin/bus';
import type { LogSource } from '@tocsin/core';
import {
  type CompiledRules,
  compileRules,
  type ParsedRule,
  type ParsedRules,
  ParseMemo,
  type ProgramStore,
  parseRules,
  type RefusedRule,
  type RuleFilter,
} from '@tocsin/detect';
import { getChunked, putContent } from '../state/chunked-value.ts';
import type { ParsedRuleStore } from './parsed-rule-store.ts';
import { RuleSetHashes } from './rule-set-hash.ts';

/** One rule file. */
export interface RuleFile {
  /** Where it came from, for messages. */
  readonly path: string;
  readonly text: string;
  /** Tenant it was added by; absent where it is everybody's. */
  readonly tenant?: string | undefined;
}

/** A rule that is in force for nobody of a tenant until it is released. */
export interface QuarantinedRule {
  readonly tenant: string;
  readonly ruleId: string;
  /** Why, in words for people. */
  readonly reason: string;
  readonly sinceMs: number;
}

/** The rules of one tenant. */
interface TenantRules {
  readonly rules: readonly ParsedRule[];
  readonly compiled: CompiledRules;
  readonly filters: readonly RuleFilter[];
  /** Rules left out, each with file, line and reason. */
  readonly refused: readonly RefusedRule[];
  /** What was read of the files, for the book after this one. */
  readonly memo: ParseMemo;
}

/** What a book is compiled with beside its files. */
export interface RuleBookOptions {
  readonly quarantine?: readonly QuarantinedRule[] | undefined;
  /** The book it takes the place of: what did not change is taken over, so that one rule more does not cost what thousands do. */
  readonly before?: RuleBook | undefined;
  /** How far out of order events may come and still be placed exactly by correlations, milliseconds. Default: that of the book before, else a minute. */
  readonly latenessMs?: number | undefined;
  /** Where programs of the filter are looked for before they are made. */
  readonly programs?: ProgramStore | undefined;
  /** Where what everybody's files come to is looked for before they are parsed, where there is no book before. */
  readonly parsedRules?: ParsedRuleStore | undefined;
}

/** What a kept book is compiled with. */
export interface LoadBookOptions extends Omit<RuleBookOptions, 'quarantine'> {
  readonly logSources: readonly LogSource[];
}

/** A compiled rule set. Immutable. */
export class RuleBook {
  /** Content hash over all files, 32 hex digits. */
  readonly hash: string;
  readonly files: readonly RuleFile[];
  readonly quarantine: readonly QuarantinedRule[];
  /** Names rule sets as this one was named. */
  readonly hashes: RuleSetHashes;
  /** How far out of order events may come for its correlations, milliseconds; a minute where undefined. */
  readonly latenessMs: number | undefined;
  readonly #shared: TenantRules;
  readonly #byTenant = new Map<string, TenantRules>();

  private constructor(
    files: readonly RuleFile[],
    logSources: readonly LogSource[],
    { quarantine = [], before, programs, parsedRules, latenessMs = before?.latenessMs }: RuleBookOptions,
  ) {
    this.files = files;
    this.latenessMs = latenessMs;
    this.quarantine = quarantine;
    this.hashes = before?.hashes ?? new RuleSetHashes();
    this.hash = this.hashes.hash(files, quarantine);
    const shared = files.filter((file) => file.tenant === undefined);
    this.#shared = compileFiles(shared, logSources, {
      before: before === undefined ? undefined : before.#shared,
      programs,
      parsedRules,
      latenessMs,
    });
    const tenants = [...files.flatMap((file) => file.tenant ?? []), ...quarantine.map(({ tenant }) => tenant)];
    for (const tenant of new Set(tenants)) {
      const held = new Set(this.quarantineOf(tenant).map(({ ruleId }) => ruleId));
      // A tenant's first own rule comes to those that are everybody's.
      const own = (before === undefined ? undefined : before.#byTenant.get(tenant)) ?? this.#shared;
      const its = [...shared, ...files.filter((file) => file.tenant === tenant)];
      this.#byTenant.set(tenant, compileFiles(its, logSources, { held, before: own, latenessMs }));
    }
  }

  /** Parses and compiles files; what cannot be compiled is left out and listed by `refusedFor`. */
  static compile(files: readonly RuleFile[], logSources: readonly LogSource[], options: RuleBookOptions = {}): RuleBook {
    return new RuleBook(files, logSources, options);
  }

  /** Loads a rule set kept by `save`; undefined where the bucket does not have it. */
  static async load(bucket: StateBucket, hash: string, { logSources, ...options }: LoadBookOptions): Promise<RuleBook | undefined> {
    const kept = await readKept(bucket, hash);
    if (kept === undefined) return undefined;
    if (isFiles(kept)) return new RuleBook(kept, logSources, options);
    const base = kept.base === undefined ? [] : await readKept(bucket, kept.base);
    if (base === undefined || !isFiles(base)) return undefined;
    return new RuleBook([...base, ...kept.files], logSources, { ...options, quarantine: kept.quarantine });
  }

  /** Keeps the files under their hash; must be done before a step names it. Those that are everybody's are kept once for all sets that have them. */
  async save(bucket: StateBucket): Promise<void> {
    const shared = this.files.filter((file) => file.tenant === undefined);
    const base = this.hashes.hash(shared, []);
    await putContent(bucket, base, { bytes: Buffer.from(JSON.stringify(shared)) });
    if (base === this.hash) return;
    const kept: KeptRuleSet = { base, files: this.files.filter((file) => file.tenant !== undefined), quarantine: this.quarantine };
    await putContent(bucket, this.hash, { bytes: Buffer.from(JSON.stringify(kept)), about: { base } });
  }

  /** Rules that a tenant has in quarantine: loaded and listed, and not judged. */
  quarantineOf(tenant: string): readonly QuarantinedRule[] {
    return this.quarantine.filter((rule) => rule.tenant === tenant);
  }

  /** Files in force for a tenant, in the order in which they are read: everybody's first. */
  filesOf(tenant: string): readonly RuleFile[] {
    return [...this.files.filter((file) => file.tenant === undefined), ...this.files.filter((file) => file.tenant === tenant)];
  }

  /** Compiled rules in force for a tenant. */
  compiledFor(tenant: string): CompiledRules {
    return (this.#byTenant.get(tenant) ?? this.#shared).compiled;
  }

  /** Parsed rules in force for a tenant. */
  rulesFor(tenant: string): readonly ParsedRule[] {
    return (this.#byTenant.get(tenant) ?? this.#shared).rules;
  }

  /** Filters in force for a tenant. */
  filtersFor(tenant: string): readonly RuleFilter[] {
    return (this.#byTenant.get(tenant) ?? this.#shared).filters;
  }

  /** Rules left out for a tenant. */
  refusedFor(tenant: string): readonly RefusedRule[] {
    return (this.#byTenant.get(tenant) ?? this.#shared).refused;
  }

  /** Whether a tenant has rules of its own. */
  hasOwn(tenant: string): boolean {
    return this.#byTenant.has(tenant);
  }

  /** Tenants with rules of their own. */
  tenants(): readonly string[] {
    return [...this.#byTenant.keys()];
  }
}

/** A rule set as it is kept beside the one it builds on; one of shared files alone is kept as those files. */
interface KeptRuleSet {
  /** Hash of the set that has everybody's files; absent where `files` are all of them. */
  readonly base?: string;
  readonly files: readonly RuleFile[];
  readonly quarantine: readonly QuarantinedRule[];
}

function isFiles(kept: readonly RuleFile[] | KeptRuleSet): kept is readonly RuleFile[] {
  return Array.isArray(kept);
}

async function readKept(bucket: StateBucket, hash: string): Promise<readonly RuleFile[] | KeptRuleSet | undefined> {
  const bytes = await getChunked(bucket, hash);
  return bytes === undefined ? undefined : (JSON.parse(Buffer.from(bytes).toString()) as readonly RuleFile[] | KeptRuleSet);
}

interface CompileFiles {
  /** Rules in quarantine: read and not judged. */
  readonly held?: ReadonlySet<string> | undefined;
  readonly before?: TenantRules | undefined;
  readonly programs?: ProgramStore | undefined;
  readonly parsedRules?: ParsedRuleStore | undefined;
  readonly latenessMs?: number | undefined;
}

function compileFiles(
  files: readonly RuleFile[],
  logSources: readonly LogSource[],
  { held, before, programs, parsedRules, latenessMs }: CompileFiles,
): TenantRules {
  const { memo, parsed } = readFiles(files, before?.memo, parsedRules);
  const { rules, filters, refused } = parsed;
  const judged = held === undefined || held.size === 0 ? rules : rules.filter((rule) => !held.has(rule.meta.id));
  return { rules, filters, refused, memo, compiled: compileRules(judged, logSources, { before: before?.compiled, programs, latenessMs }) };
}

/** What files come to: told from those read before, kept from an earlier start, or read. */
function readFiles(
  files: readonly RuleFile[],
  before: ParseMemo | undefined,
  store: ParsedRuleStore | undefined,
): { memo: ParseMemo; parsed: ParsedRules } {
  const kept = before === undefined ? store?.read(files) : undefined;
  if (kept !== undefined) return { memo: ParseMemo.of({ files, parsed: kept }), parsed: kept };
  const memo = before?.copy() ?? new ParseMemo();
  const parsed = parseRules(files, { memo, compact: true });
  if (before === undefined) store?.write(files, parsed);
  return { memo, parsed };
}
