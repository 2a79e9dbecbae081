/** The rules of a hunt: every rule file below the given paths, read and parsed. A file that cannot be read costs itself and no other. */
import { readFileSync, statSync } from 'node:fs';
import { type ErrorCode, TocsinError } from '@tocsin/core';
import { type ParsedRule, parseRules, type RuleFile } from '@tocsin/detect';
import { listInputs } from './list-inputs.ts';

/** A rule, or a whole file of them, that was left out. */
export interface RefusedHuntRule {
  readonly file: string;
  readonly line: number;
  readonly code: ErrorCode;
  /** What is wrong, in one line. */
  readonly reason: string;
}

/** The rules a hunt goes by. */
export interface HuntRules {
  readonly rules: readonly ParsedRule[];
  readonly refused: readonly RefusedHuntRule[];
}

/** Largest rule file read, bytes. */
const MAX_FILE_BYTES = 1 << 20;

/** Rules at and below the paths, in the order of their paths. @throws cli.unreadable where a path is not there or holds no rule file */
export async function loadHuntRules(paths: readonly string[]): Promise<HuntRules> {
  const { inputs, unreadable } = await listInputs(paths);
  const refused = unreadable.map(({ path, reason }) => refuse(path, reason));
  const named = new Set(paths);
  const files: RuleFile[] = [];
  for (const { path } of inputs) {
    if (!named.has(path) && !/\.ya?ml$/i.test(path)) continue;
    const read = readRuleFile(path);
    if ('text' in read) files.push(read);
    else refused.push(refuse(path, read.reason));
  }
  if (files.length === 0 && refused.length === 0)
    throw new TocsinError('cli.unreadable', { path: paths.join(', '), reason: 'there is no .yml or .yaml file in it' });
  const parsed = parseRules(files);
  return {
    rules: parsed.rules,
    refused: [...refused, ...parsed.refused.map(({ path, line, error, reason }) => ({ file: path, line, code: error.code, reason }))],
  };
}

function readRuleFile(path: string): RuleFile | { readonly reason: string } {
  try {
    const { size } = statSync(path);
    if (size > MAX_FILE_BYTES) return { reason: `it has ${size} bytes and a rule file may have ${MAX_FILE_BYTES}` };
    return { path, text: readFileSync(path, 'utf8') };
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) };
  }
}

function refuse(file: string, reason: string): RefusedHuntRule {
  return { file, line: 1, code: 'cli.unreadable', reason };
}
