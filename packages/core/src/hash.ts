/** Hashes: SHA-256 where anything is promised about content, FNV-1a where only an even spread is wanted. */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';

/** The part of Node's crypto that is used where the runtime has it: a hash in one call, several times faster than in JavaScript and without a warm-up. */
interface NativeHash {
  hash?(algorithm: 'sha256', content: Uint8Array | string, encoding: 'hex'): string;
}

/** What Node, Bun and Deno give without an import; a browser has none. */
interface Runtime {
  readonly process?: { getBuiltinModule?(name: string): unknown };
}

const native = (globalThis as Runtime).process?.getBuiltinModule?.('node:crypto') as NativeHash | undefined;

/** SHA-256 of bytes, or of text in UTF-8, as 64 hex digits. */
export function sha256Hex(content: Uint8Array | string): string {
  return native?.hash?.('sha256', content, 'hex') ?? plainSha256Hex(content);
}

/** The same where the runtime has no hash of its own that answers at once. */
export function plainSha256Hex(content: Uint8Array | string): string {
  return bytesToHex(sha256(typeof content === 'string' ? utf8ToBytes(content) : content));
}

/** SHA-256 of parts, each preceded by its length so that ("ab","c") and ("a","bc") differ; the first `digits` hex digits. */
export function hashParts(parts: readonly string[], digits = 32): string {
  return sha256Hex(parts.map((part) => `${part.length}:${part}`).join('')).slice(0, digits);
}

/** FNV-1a, 32 bit (draft-eastlake-fnv), over the UTF-16 units of text: spreads keys, promises nothing against malice. */
export function fnv1a(text: string, seed = 0x811c9dc5): number {
  let hash = seed;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return hash >>> 0;
}

/** Partition of a source's shard: 0 … partitions-1. The same names give the same partition for ever. */
// oxlint-disable-next-line max-params -- R3: four plain names of one key, called per frame; an object each time would cost more than it says.
export function partitionOf(tenant: string, source: string, shard: string, partitions: number): number {
  return fnv1a(`${tenant.length}:${tenant}${source.length}:${source}${shard}`) % partitions;
}
