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

/** Parses files and, where asked, runs the tests they carry; puts nothing in force. */
export function checkRules(files: readonly RuleFile[], options: { mappings: MappingSet; test: boolean }): RuleCheck {
  const { rules, refused } = parseRules(files);
  const logSources = options.mappings.logSources();
  const mappingOf = (event: Fields): string | undefined => mappingIn(options.mappings, event);
  return {
    accepted: rules.map((rule) => summarise(rule, true)),
    refused: refused.map(toLine),
    tests: options.test ? rules.flatMap((rule) => testRule(rule, { rules, logSources, mappingOf })) : [],
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
    if (mapping !== 'json') return mapping;
  }
  return undefined;
}
