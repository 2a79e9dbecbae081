/**
 * Parsed rules of a whole set kept between starts: read in a fraction of the time that parsing thousands of files takes, so that judging goes on
 * soon after a thread was ended. Under the hash of the files and of the parser; how far a kept file is trusted is `kept-file.ts`.
 */
import { decodeRules, encodeRules, type ParsedRules, type RuleFile } from '@tocsin/detect';
import { type KeptFile, type KeptFileOptions, openKeptFile } from '../hunt/kept-file.ts';
import { ruleCacheKey } from '../hunt/rule-cache.ts';

/** Parsed rules by the files they were read from. */
export interface ParsedRuleStore {
  /** What `parseRules` makes of the files; undefined where it is not kept, or cannot be trusted. */
  read(files: readonly RuleFile[]): ParsedRules | undefined;
  /** Keeps it. Where it cannot be kept, the files are parsed again the next time. */
  write(files: readonly RuleFile[], parsed: ParsedRules): void;
}

/** A store in a folder, which may be removed at any time. */
export function openParsedRuleStore(options: KeptFileOptions): ParsedRuleStore {
  const fileOf = (files: readonly RuleFile[]): KeptFile =>
    openKeptFile('rules', ruleCacheKey(files.map(({ path, text }) => ({ path, bytes: Buffer.from(text) }))), options);
  return {
    read: (files) => fileOf(files).read(decodeRules),
    write: (files, parsed) => fileOf(files).write(() => encodeRules(parsed)),
  };
}
