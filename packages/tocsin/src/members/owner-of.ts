/** Who owns a thing that has exactly one owner: the rendezvous hash, by which everybody who knows the members agrees without talking. */
import { fnv1a } from '@tocsin/core';

/** The member a thing belongs to: it moves only when its owner leaves or a better one comes. Undefined where there is none. */
export function ownerOf(thing: string, members: readonly string[]): string | undefined {
  let owner: string | undefined;
  let most = -1;
  for (const member of members) {
    const weight = mix(fnv1a(`${member} ${thing}`));
    if (weight < most || (weight === most && owner !== undefined && owner < member)) continue;
    [owner, most] = [member, weight];
  }
  return owner;
}

/** Spreads what differs in the last letters only over all bits (the finaliser of MurmurHash3, public domain). */
function mix(hash: number): number {
  let h = hash ^ (hash >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
