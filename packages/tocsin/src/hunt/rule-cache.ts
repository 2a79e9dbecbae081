/**
 * Parsed rules and mappings kept between runs, under the hash of their texts and of the parser: read instead of parsing them all anew. How
 * far a kept file is trusted is `kept-file.ts`.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodeRules, encodeRules, type ParsedRules } from '@tocsin/detect';
import { compileMappings, loadMappings, type MappingSet, type MappingSpec, readShippedMappings } from '@tocsin/ingest';
import { type KeptFileOptions, openKeptFile } from './kept-file.ts';

/** A rule file's bytes, under the path it is shown by. */
export interface RuleBytes {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Parsed rules of one set of texts. */
export interface RuleCache {
  /** Undefined where they are not kept. */
  read(): ParsedRules | undefined;
  write(parsed: ParsedRules): void;
}

/** The cache of one set of rule files: what rules come of depends on these texts under these paths, in this order, and on the parser. */
export function openRuleCache(files: readonly RuleBytes[], options: KeptFileOptions): RuleCache {
  const hash = createHash('sha256').update(codeFingerprint('@tocsin/detect', 'parse'));
  for (const { path, bytes } of files) hash.update(`\n${JSON.stringify(path)} ${bytes.length}\n`).update(bytes);
  const file = openKeptFile('rules', hash.digest(), options);
  return { read: () => file.read(decodeRules), write: (parsed) => file.write(() => encodeRules(parsed)) };
}

/** The mappings that Tocsin ships; out of the cache where one is given and they are in it. */
export function loadShippedMappings(options: KeptFileOptions | undefined): MappingSet {
  const texts = readShippedMappings();
  if (options === undefined) return loadMappings(texts);
  const key = createHash('sha256').update(codeFingerprint('@tocsin/ingest', 'mappings')).update(JSON.stringify(texts)).digest();
  const file = openKeptFile('mappings', key, options);
  const kept = file.read((content) => compileMappings(JSON.parse(Buffer.from(content).toString()) as MappingSpec[]));
  if (kept !== undefined) return kept;
  const mappings = loadMappings(texts);
  file.write(() => Buffer.from(JSON.stringify(mappings.specs)));
  return mappings;
}

/** Hash of the code that made what is kept, and of what runs it: a file of another version is never mistaken for one of this. */
function codeFingerprint(name: string, folder: string): Buffer {
  const path = join(dirname(fileURLToPath(import.meta.resolve(name))), folder);
  const hash = createHash('sha256').update(process.version);
  for (const entry of readdirSync(path).sort()) {
    if (/\.[jt]s$/.test(entry) && !/\.(?:test|d)\.ts$/.test(entry)) hash.update(`${entry}\n`).update(readFileSync(join(path, entry)));
  }
  return hash.digest();
}
