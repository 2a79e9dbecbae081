/** What a rule set is called: the hash of its files and of its quarantine. Files are hashed once, as long as they stay the same object. */
import { createHash } from 'node:crypto';
import { hashParts } from '@tocsin/core';
import type { QuarantinedRule, RuleFile } from './rule-book.ts';

/** Hashes rule sets; one is passed on from set to set. */
export class RuleSetHashes {
  readonly #known = new WeakMap<RuleFile, string>();

  /** Hash of a rule set with its quarantine; without one, of every file's path, tenant and text, whatever their order. 32 hex digits. */
  hash(files: readonly RuleFile[], quarantine: readonly QuarantinedRule[]): string {
    const hash = hashLong(files.map((file) => this.#hashFile(file)).sort());
    if (quarantine.length === 0) return hash;
    return hashParts([hash, ...quarantine.map(({ tenant, ruleId }) => hashParts([tenant, ruleId])).sort()]);
  }

  #hashFile(file: RuleFile): string {
    const hash = this.#known.get(file) ?? hashParts([file.path, file.tenant ?? '', file.text], 64);
    this.#known.set(file, hash);
    return hash;
  }
}

/** `hashParts` of `core`, by the machine's own means: there are thousands of parts. */
function hashLong(parts: readonly string[]): string {
  return createHash('sha256')
    .update(parts.map((part) => `${part.length}:${part}`).join(''))
    .digest('hex')
    .slice(0, 32);
}
