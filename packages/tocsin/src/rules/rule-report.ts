/** What is said about rules to people: those in force, and what would become of files somebody is about to add. */
import type { Fields } from '@tocsin/core';
import { type ParsedRule, parseRules, type RefusedRule, testRule } from '@tocsin/detect';
import type { MappingSet } from '@tocsin/ingest';
import type { RefusedLine, RuleCheck, RuleSummary } from '../duties/detect-api.ts';
import type { RuleBook, RuleFile } from './rule-book.ts';

/** The rules in force for a tenant and those left out. */
export function listRules(book: RuleBook, tenant: string): { ruleSet: string; rules: RuleSummary[]; refused: RefusedLine[] } {
  const own = new Set(book.files.filter((file) => file.tenant === tenant).map((file) => file.path));
  return {
    ruleSet: book.hash,
    rules: book.rulesFor(tenant).map((rule) => summarise(rule, own.has(rule.location.path))),
    refused: book.refusedFor(tenant).map(toLine),
  };
}

/** How files are looked at. */
export interface RuleCheckOptions {
  readonly mappings: MappingSet;
  /** Whether to run the tests they carry. */
  readonly test: boolean;
  /** Files they will stand beside: a rule may refer to theirs and must not take an id of theirs. None where files are looked at by themselves. */
  readonly present: readonly RuleFile[];
}

/** Parses files and, where asked, runs the tests they carry; puts nothing in force. */
export function checkRules(files: readonly RuleFile[], { mappings, test, present }: RuleCheckOptions): RuleCheck {
  const given = new Set(files.map((file) => file.path));
  // A tenant's own file of that path is the one replaced; somebody else's is shown under another name.
  const others = present.filter((file) => file.tenant === undefined || !given.has(file.path));
  const beside = others.map((file) => (given.has(file.path) ? { ...file, path: `shared:${file.path}` } : file));
  const { rules, refused } = parseRules([...beside, ...files]);
  const own = rules.filter((rule) => given.has(rule.location.path));
  const logSources = mappings.logSources();
  const mappingOf = (event: Fields): string | undefined => mappingIn(mappings, event);
  return {
    accepted: own.map((rule) => summarise(rule, true)),
    refused: refused.filter((rule) => given.has(rule.path)).map(toLine),
    tests: test ? own.flatMap((rule) => testRule(rule, { rules, logSources, mappingOf })) : [],
  };
}

function summarise(rule: ParsedRule, own: boolean): RuleSummary {
  const { id, title, level, techniques } = rule.meta;
  const missing = rule.kind === 'detection' ? rule.needsValues : [];
  return {
    id,
    title,
    level,
    path: rule.location.path,
    kind: rule.kind,
    techniques,
    own,
    ...(missing.length > 0 ? { dormant: `needs values for ${missing.join(', ')}` } : {}),
  };
}

/** A refusal as plain data: it crosses threads and HTTP. */
function toLine({ path, line, column, rule, error }: RefusedRule): RefusedLine {
  return { path, line, column, rule, code: error.code, reason: error.message };
}

/** The mapping that would read an event in a test: of the first format that has one beyond its fallback; undefined where none has. */
function mappingIn(mappings: MappingSet, event: Fields): string | undefined {
  for (const format of ['windows-json', 'cloudtrail', 'linux-auth', 'json']) {
    const { mapping } = mappings.map(format, event, 0);
    // What an empty record gets is the format's fallback, which reads everything and so tells nothing.
    if (mapping !== mappings.map(format, {}, 0).mapping) return mapping;
  }
  return undefined;
}
