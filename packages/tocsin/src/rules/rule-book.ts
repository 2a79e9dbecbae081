/**
 * A rule set as it is in force: the files it is made of, their hash, and the rules compiled for each tenant. Shipped
 * rules and those of configured folders are everybody's; a rule added at run time is its tenant's alone. Rule sets are
 * kept by hash in a bucket, so that whoever reads MATCHES can load the very rules that judged an event.
 */
import type { StateBucket } from '@tocsin/bus';
import { hashParts, type LogSource } from '@tocsin/core';
import { type CompiledRules, compileRules, type ParsedRule, parseRules, type RefusedRule } from '@tocsin/detect';
import { getChunked, putChunked } from '../state/chunked-value.ts';

/** One rule file. */
export interface RuleFile {
  /** Where it came from, for messages. */
  readonly path: string;
  readonly text: string;
  /** Tenant it was added by; absent where it is everybody's. */
  readonly tenant?: string | undefined;
}

/** The rules of one tenant. */
interface TenantRules {
  readonly rules: readonly ParsedRule[];
  readonly compiled: CompiledRules;
  /** Rules left out, each with file, line and reason. */
  readonly refused: readonly RefusedRule[];
}

/** A compiled rule set. Immutable. */
export class RuleBook {
  /** Content hash over all files, 32 hex digits. */
  readonly hash: string;
  readonly files: readonly RuleFile[];
  readonly #shared: TenantRules;
  readonly #byTenant = new Map<string, TenantRules>();

  private constructor(files: readonly RuleFile[], logSources: readonly LogSource[]) {
    this.files = files;
    this.hash = hashRuleFiles(files);
    const shared = files.filter((file) => file.tenant === undefined);
    this.#shared = compileFiles(shared, logSources);
    for (const tenant of new Set(files.flatMap((file) => file.tenant ?? []))) {
      this.#byTenant.set(tenant, compileFiles([...shared, ...files.filter((file) => file.tenant === tenant)], logSources));
    }
  }

  /** Parses and compiles files; what cannot be compiled is left out and listed by `refusedFor`. */
  static compile(files: readonly RuleFile[], logSources: readonly LogSource[]): RuleBook {
    return new RuleBook(files, logSources);
  }

  /** Loads a rule set kept by `save`; undefined where the bucket does not have it. */
  static async load(bucket: StateBucket, hash: string, logSources: readonly LogSource[]): Promise<RuleBook | undefined> {
    const bytes = await getChunked(bucket, hash);
    if (!bytes) return undefined;
    return new RuleBook(JSON.parse(Buffer.from(bytes).toString()) as RuleFile[], logSources);
  }

  /** Keeps the files under their hash; must be done before a step names it. */
  async save(bucket: StateBucket): Promise<void> {
    await putChunked(bucket, this.hash, Buffer.from(JSON.stringify(this.files)));
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

function compileFiles(files: readonly RuleFile[], logSources: readonly LogSource[]): TenantRules {
  const { rules, refused } = parseRules(files);
  return { rules, refused, compiled: compileRules(rules, logSources) };
}

/** Hash of a rule set: of every file's path, tenant and text, whatever their order. */
export function hashRuleFiles(files: readonly RuleFile[]): string {
  return hashParts(files.map((file) => hashParts([file.path, file.tenant ?? '', file.text], 64)).sort());
}
