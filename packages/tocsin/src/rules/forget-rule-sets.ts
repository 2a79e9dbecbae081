/** Removes rule sets that nobody needs any more: not in force, and every fold shard's checkpoint is past them. */
import type { StateBucket } from '@tocsin/bus';
import { checkpointOf } from '../duties/fold-shard.ts';
import { aboutChunked, deleteChunked } from '../state/chunked-value.ts';
import type { RuleControl } from './rule-control.ts';

/** Where to look. */
export interface RuleSetKeeping {
  readonly control: RuleControl;
  readonly ruleSets: StateBucket;
  readonly manifests: StateBucket;
  readonly shards: number;
}

/** Removes them; resolves with how many went. A shard that has saved nothing yet may need every set. */
export async function forgetRuleSets({ control, ruleSets, manifests, shards }: RuleSetKeeping): Promise<number> {
  const record = await control.read();
  if (!record || record.kept.length === 0) return 0;
  let passed = record.order;
  for (let index = 0; index < shards; index++) {
    const about = await aboutChunked(manifests, checkpointOf({ index, count: shards }));
    const order = Number(about?.['order'] ?? Number.NaN);
    if (!Number.isInteger(order)) return 0;
    passed = Math.min(passed, order);
  }
  const old = record.kept.filter((one) => one.order < passed);
  if (old.length === 0) return 0;
  // Off the list first: a set that is listed is there, whoever dies between the two.
  const left = await control.forgetBelow(passed);
  const needed = await withBases(ruleSets, [left.hash, ...left.kept.map((one) => one.hash)]);
  const going = await withBases(
    ruleSets,
    old.map((one) => one.hash),
  );
  for (const hash of going) if (!needed.has(hash)) await deleteChunked(ruleSets, hash);
  return old.length;
}

/** Sets and those that hold everybody's files for them. */
async function withBases(ruleSets: StateBucket, hashes: readonly string[]): Promise<Set<string>> {
  const bases = await Promise.all(hashes.map(async (hash) => (await aboutChunked(ruleSets, hash))?.['base']));
  return new Set([...hashes, ...bases.filter((base) => base !== undefined)]);
}
