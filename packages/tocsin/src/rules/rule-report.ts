/** What is said about rules to people: those in force, and what would become of files somebody is about to add. */
import { type ParsedRule, parseRules, type RefusedRule, testRule } from '@tocsin/detect';
import { fieldsOf, type MappingSet } from '@tocsin/ingest';
import type { RefusedLine, RuleCheck, RuleSummary, RuleTestLine } from '../duties/detect-api.ts';
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

/** Parses files and, where asked, runs the tests they carry; puts nothing in force. */
export function checkRules(files: readonly RuleFile[], options: { mappings: MappingSet; test: boolean }): RuleCheck {
  const { rules, refused } = parseRules(files);
  return {
    accepted: rules.map((rule) => summarise(rule, true)),
    refused: refused.map(toLine),
    tests: options.test ? rules.flatMap((rule) => runTests(rule, rules, options.mappings)) : [],
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
