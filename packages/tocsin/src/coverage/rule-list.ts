/**
 * What a rule set holds, in few words: each rule with its version and whether it judges anything. Kept beside the rule set and for longer,
 * so that it can be told of every event which rules have looked at it, also when the set itself is gone.
 */
import { promisify } from 'node:util';
import { zstdCompress, zstdDecompressSync } from 'node:zlib';
import type { StateBucket } from '@tocsin/bus';
import type { InactiveRule } from '@tocsin/detect';
import type { RuleBook } from '../rules/rule-book.ts';
import { aboutChunked, deleteChunked, getChunked, putContent } from '../state/chunked-value.ts';

/** Whether a rule judges, or why not. */
export type RuleState = 'active' | 'quarantined' | InactiveRule['reason'];

/** A rule of a set: id, the beginning of its version, and its state. */
export type ListedRule = readonly [id: string, version: string, state: RuleState];

/** The rules of a set: everybody's, and for tenants with rules of their own what differs. */
export interface RuleList {
  readonly shared: readonly ListedRule[];
  readonly tenants: Readonly<Record<string, { readonly rules: readonly ListedRule[]; readonly without: readonly string[] }>>;
}

/** Characters of a version that tell two apart. */
const VERSION_CHARS = 16;
/** Lists kept; the oldest go. A set that is long out of use is known to the ledger by then. */
const MAX_LISTS = 256;

/** How a rule's version is written in lists. */
export function shortVersion(version: string): string {
  return version.slice(0, VERSION_CHARS);
}

/** The list of a rule set. */
export function ruleListOf(book: RuleBook): RuleList {
  const shared = listFor(book, undefined);
  const known = new Map(shared.map((rule) => [rule[0], JSON.stringify(rule)]));
  const tenants: [string, RuleList['tenants'][string]][] = book.tenants().map((tenant) => {
    const own = listFor(book, tenant);
    const ids = new Set(own.map(([id]) => id));
    return [
      tenant,
      { rules: own.filter((rule) => known.get(rule[0]) !== JSON.stringify(rule)), without: [...known.keys()].filter((id) => !ids.has(id)) },
    ];
  });
  return { shared, tenants: Object.fromEntries(tenants) };
}

/** State and version of every rule for one tenant, by id. */
export function rulesOfList({ shared, tenants }: RuleList, tenant: string): ReadonlyMap<string, ListedRule> {
  const rules = new Map(shared.map((rule) => [rule[0], rule]));
  if (!Object.hasOwn(tenants, tenant)) return rules;
  const own = tenants[tenant];
  for (const id of own?.without ?? []) rules.delete(id);
  for (const rule of own?.rules ?? []) rules.set(rule[0], rule);
  return rules;
}

/** Keeps the list of a set unless it is kept already; must be done before a step names the set. */
export async function saveRuleList(bucket: StateBucket, book: RuleBook, nowMs: number): Promise<void> {
  if ((await bucket.get(book.hash)) !== undefined) return;
  const bytes = await promisify(zstdCompress)(Buffer.from(JSON.stringify(ruleListOf(book))));
  await putContent(bucket, book.hash, { bytes, about: { savedMs: String(nowMs) } });
  await forgetOldest(bucket, book.hash);
}

/** The packed list of a set; undefined where it is not kept. */
export function packedRuleList(bucket: StateBucket, hash: string): Promise<Uint8Array | undefined> {
  return getChunked(bucket, hash);
}

/** What was packed. */
export function readRuleList(packed: Uint8Array): RuleList {
  return JSON.parse(zstdDecompressSync(packed).toString()) as RuleList;
}

function listFor(book: RuleBook, tenant: string | undefined): ListedRule[] {
  // A name that no tenant has is given what is everybody's.
  const name = tenant ?? '';
  const inactive = new Map(book.compiledFor(name).inactive.map((rule) => [rule.ruleId, rule.reason]));
  const held = new Set(book.quarantineOf(name).map(({ ruleId }) => ruleId));
  return book.rulesFor(name).map(({ meta }): ListedRule => {
    const state: RuleState = held.has(meta.id) ? 'quarantined' : (inactive.get(meta.id) ?? 'active');
    return [meta.id, shortVersion(meta.version), state];
  });
}

async function forgetOldest(bucket: StateBucket, newest: string): Promise<void> {
  const names = [...new Set((await bucket.keys()).map((key) => key.split('.')[0] ?? ''))];
  if (names.length <= MAX_LISTS) return;
  const ages = await Promise.all(names.map(async (name) => [name, Number((await aboutChunked(bucket, name))?.['savedMs'] ?? 0)] as const));
  const going = ages.sort((a, b) => a[1] - b[1]).slice(0, names.length - MAX_LISTS);
  for (const [name] of going) if (name !== newest) await deleteChunked(bucket, name);
}
