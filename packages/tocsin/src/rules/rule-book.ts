/**
 * A rule set as it is in force: the files it is made of, their hash, and the rules compiled for each tenant. Shipped
 * rules and those of configured folders are everybody's; a rule added at run time is its tenant's alone. Rule sets are
 * kept by hash in a bucket, so that whoever reads MATCHES can load the very rules that judged an event.
 */
import type { StateBucket } from '@tocsin/bus';
import { hashParts, type LogSource } from '@tocsin/core';
import {
  type CompiledRules,
  type CompileOptions,
  compileRules,
  type ParsedRule,
  parseRules,
  type RefusedRule,
  type RuleFilter,
} from '@tocsin/detect';
import { getChunked, putChunked } from '../state/chunked-value.ts';

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
}

/** A compiled rule set. Immutable. */
export class RuleBook {
  /** Content hash over all files, 32 hex digits. */
  readonly hash: string;
  readonly files: readonly RuleFile[];
  readonly quarantine: readonly QuarantinedRule[];
  readonly #shared: TenantRules;
  readonly #byTenant = new Map<string, TenantRules>();

  // oxlint-disable-next-line max-params -- R3: what the set is made of, and for what; private.
  private constructor(
    files: readonly RuleFile[],
    logSources: readonly LogSource[],
    quarantine: readonly QuarantinedRule[],
    options: CompileOptions = {},
  ) {
    const compileFor = (some: readonly RuleFile[], held?: ReadonlySet<string>): TenantRules =>
      compileFiles(some, logSources, { held, options });
    this.files = files;
    this.quarantine = quarantine;
    this.hash = hashRuleSet(files, quarantine);
    const shared = files.filter((file) => file.tenant === undefined);
    this.#shared = compileFor(shared);
    const tenants = [...files.flatMap((file) => file.tenant ?? []), ...quarantine.map(({ tenant }) => tenant)];
    for (const tenant of new Set(tenants)) {
      const held = new Set(this.quarantineOf(tenant).map(({ ruleId }) => ruleId));
      this.#byTenant.set(tenant, compileFor([...shared, ...files.filter((file) => file.tenant === tenant)], held));
    }
  }

  /** Parses and compiles files; what cannot be compiled is left out and listed by `refusedFor`. */
  static compile(files: readonly RuleFile[], logSources: readonly LogSource[], quarantine: readonly QuarantinedRule[] = []): RuleBook {
    return new RuleBook(files, logSources, quarantine);
  }

  /** Loads a rule set kept by `save`; undefined where the bucket does not have it. */
  // oxlint-disable-next-line max-params -- R3: what to load from where, and for what to compile it.
  static async load(
    bucket: StateBucket,
    hash: string,
    logSources: readonly LogSource[],
    options?: CompileOptions,
  ): Promise<RuleBook | undefined> {
    const bytes = await getChunked(bucket, hash);
    if (!bytes) return undefined;
    const kept = JSON.parse(Buffer.from(bytes).toString()) as RuleFile[] | KeptRuleSet;
    return Array.isArray(kept)
      ? new RuleBook(kept, logSources, [], options)
      : new RuleBook(kept.files, logSources, kept.quarantine, options);
  }

  /** Keeps the files under their hash; must be done before a step names it. */
  async save(bucket: StateBucket): Promise<void> {
    await putChunked(bucket, this.hash, Buffer.from(JSON.stringify(this.#kept())));
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

  #kept(): readonly RuleFile[] | KeptRuleSet {
    return this.quarantine.length === 0 ? this.files : { files: this.files, quarantine: this.quarantine };
  }

  /** Tenants with rules of their own. */
  tenants(): readonly string[] {
    return [...this.#byTenant.keys()];
  }
}

/** A rule set with a quarantine, as it is kept; one without is kept as its files alone. */
interface KeptRuleSet {
  readonly files: readonly RuleFile[];
  readonly quarantine: readonly QuarantinedRule[];
}

interface CompileParts {
  /** Ids of rules that are not judged. */
  readonly held?: ReadonlySet<string> | undefined;
  readonly options: CompileOptions;
}

function compileFiles(files: readonly RuleFile[], logSources: readonly LogSource[], { held, options }: CompileParts): TenantRules {
  const { rules, filters, refused } = parseRules(files);
  const judged = held === undefined || held.size === 0 ? rules : rules.filter((rule) => !held.has(rule.meta.id));
  return { rules, filters, refused, compiled: compileRules(judged, logSources, options) };
}

/** Hash of a rule set with its quarantine; without one, of its files. */
export function hashRuleSet(files: readonly RuleFile[], quarantine: readonly QuarantinedRule[]): string {
  const hash = hashRuleFiles(files);
  if (quarantine.length === 0) return hash;
  return hashParts([hash, ...quarantine.map(({ tenant, ruleId }) => hashParts([tenant, ruleId])).sort()]);
}

/** Hash of a rule set: of every file's path, tenant and text, whatever their order. */
export function hashRuleFiles(files: readonly RuleFile[]): string {
  return hashParts(files.map((file) => hashParts([file.path, file.tenant ?? '', file.text], 64)).sort());
}
