/** The rule that somebody means on the command line: a file, or the id, name or title of a rule among folders. */
import { stat } from 'node:fs/promises';
import { TocsinError } from '@tocsin/core';
import { type ParsedRule, parseRules, type RefusedRule } from '@tocsin/detect';
import { readRuleFiles } from '../read-rule-files.ts';
import { shippedFolder } from '../shipped-folder.ts';

/** Rules found, and all rules they stand among. */
export interface FoundRules {
  readonly found: readonly ParsedRule[];
  readonly all: readonly ParsedRule[];
  readonly refused: readonly RefusedRule[];
}

/** Rules of a file, or the one that is called `given` in the folders (the shipped rules where none is named). @throws cli.no_rule, cli.unreadable */
export async function findRules(given: string, folders: readonly string[]): Promise<FoundRules> {
  if (await isThere(given)) {
    const { rules, refused } = parseRules(await readRuleFiles([given, ...folders]));
    const own = rules.filter((rule) => rule.location.path.startsWith(given));
    if (own.length > 0) return { found: own, all: rules, refused };
    const [first] = refused;
    throw first?.error ?? new TocsinError('cli.no_rule', { rule: given, where: 'that file', nearest: [] });
  }
  const searched = folders.length > 0 ? folders : [shippedFolder('rules')];
  const { rules, refused } = parseRules(await readRuleFiles(searched));
  const wanted = given.toLowerCase();
  const found = rules.filter(({ meta }) => [meta.id, meta.name, meta.title].some((name) => name?.toLowerCase() === wanted));
  if (found.length > 0) return { found, all: rules, refused };
  const out = refused.find((one) => one.rule.toLowerCase() === wanted);
  if (out !== undefined) throw out.error;
  throw noRule(given, rules, folders);
}

function noRule(given: string, rules: readonly ParsedRule[], folders: readonly string[]): TocsinError {
  const wanted = given.toLowerCase();
  const nearest = rules
    .filter(({ meta }) => meta.id.startsWith(wanted) || meta.title.toLowerCase().includes(wanted))
    .slice(0, 5)
    .map(({ meta }) => `${meta.id} (${meta.title})`);
  return new TocsinError('cli.no_rule', { rule: given, where: folders.length > 0 ? folders.join(', ') : 'the shipped rules', nearest });
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (['ENOENT', 'ENAMETOOLONG', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}
