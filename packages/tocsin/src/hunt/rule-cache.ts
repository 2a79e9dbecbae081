/**
 * Parsed rules and mappings kept between runs, under the hash of their texts and of the parser: read instead of parsing them all anew. How
 * far a kept file is trusted is `kept-file.ts`.
 */
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { decodeRules, type ParsedRules } from '@tocsin/detect/judge';
import { compileMappings, type MappingSet, type MappingSpec, mappingsOf, readShippedMappings } from '@tocsin/ingest/read';
import { codeFingerprint } from './code-fingerprint.ts';
import { type KeptFileOptions, openKeptFile } from './kept-file.ts';
import type { RuleBytes } from './rule-bytes.ts';

/** Parsed rules of one set of texts. */
export interface RuleCache {
  /** The rules, and the bytes that they are read from as they are asked for, in shared memory; undefined where they are not kept. */
  read(): { readonly parsed: ParsedRules; readonly encoded: Uint8Array } | undefined;
  write(encoded: Uint8Array): void;
}

/** Names a set of rule files: what rules come of depends on these texts under these paths, in this order, and on the parser. */
export function ruleCacheKey(files: readonly RuleBytes[]): Buffer {
  const hash = createHash('sha256').update(codeFingerprint('@tocsin/detect', 'parse'));
  for (const { path, bytes } of files) hash.update(`\n${JSON.stringify(path)} ${bytes.length}\n`).update(bytes);
  return hash.digest();
}

/** The cache of the set of rule files with this key. */
export function openRuleCache(key: Buffer, options: KeptFileOptions): RuleCache {
  const file = openKeptFile('rules', key, { ...options, isShared: true });
  return {
    read: () => file.read((encoded) => ({ parsed: decodeRules(encoded), encoded })),
    write: (encoded) => file.write(() => encoded),
  };
}

/** Which set of rule files it is, without reading any of them. */
export interface RuleIndex {
  /** The key of the set; undefined where it is not known. */
  read(): Buffer | undefined;
  write(key: Buffer): void;
}

/**
 * The index of files, good as long as each is the very file that it was: same path, file number, size, and times to the nanosecond of the
 * last change of its content and of anything else. Files changed just now have none: they could change again within the same
 * tick of the clock. Undefined where a file cannot be looked at: reading it will say why.
 */
export function openRuleIndex(paths: readonly string[], nowMs: number, options: KeptFileOptions): RuleIndex | undefined {
  const hash = createHash('sha256').update(codeFingerprint('@tocsin/detect', 'parse'));
  for (const path of paths) {
    const found = statSync(path, { bigint: true, throwIfNoEntry: false });
    if (found === undefined || Number((found.ctimeNs > found.mtimeNs ? found.ctimeNs : found.mtimeNs) / 1_000_000n) > nowMs - SETTLED_MS)
      return undefined;
    const { dev, ino, size, mtimeNs, ctimeNs } = found;
    hash.update(`\n${JSON.stringify(path)} ${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`);
  }
  const file = openKeptFile('index', hash.digest(), options);
  return { read: () => file.read((content) => Buffer.from(content)), write: (key) => file.write(() => key) };
}

/** Clocks of file systems tick at least this often, milliseconds. */
const SETTLED_MS = 2000;

/** The mappings that Tocsin ships; out of the cache where one is given and they are in it. */
export async function loadShippedMappings(options: KeptFileOptions | undefined): Promise<MappingSet> {
  const texts = readShippedMappings();
  if (options === undefined) return mappingsOf(texts);
  const key = createHash('sha256').update(codeFingerprint('@tocsin/ingest', 'mappings')).update(JSON.stringify(texts)).digest();
  const file = openKeptFile('mappings', key, options);
  const kept = file.read((content) => compileMappings(JSON.parse(Buffer.from(content).toString()) as MappingSpec[]));
  if (kept !== undefined) return kept;
  const mappings = await mappingsOf(texts);
  file.write(() => Buffer.from(JSON.stringify(mappings.specs)));
  return mappings;
}
