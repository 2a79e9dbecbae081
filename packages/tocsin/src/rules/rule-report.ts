/** What is said about rules to people: those in force, and what would become of files somebody is about to add. */
import type { Fields } from '@tocsin/core';
import {
  compileRules,
  type GivenPlaceholders,
  type InactiveRule,
  type ParsedRule,
  parseRules,
  type RefusedRule,
  type RuleFilter,
  testRule,
} from '@tocsin/detect';
import type { MappingSet } from '@tocsin/ingest';
import type { RefusedLine, RuleCheck, RuleSummary } from '../duties/detect-api.ts';
import { mappingOfFields } from './route-event.ts';
import type { RuleBook, RuleFile } from './rule-book.ts';

/** The rules in force for a tenant and those left out. */
export function listRules(book: RuleBook, tenant: string): { ruleSet: string; rules: RuleSummary[]; refused: RefusedLine[] } {
  const own = new Set(book.files.filter((file) => file.tenant === tenant).map((file) => file.path));
  const held = new Map(book.quarantineOf(tenant).map((rule) => [rule.ruleId, rule]));
  return {
    ruleSet: book.hash,
    rules: summarise(book.rulesFor(tenant), {
      inactive: book.compiledFor(tenant).inactive,
      filters: book.filtersFor(tenant),
      isOwn: (rule) => own.has(rule.location.path),
    }).map((rule) => {
      const since = held.get(rule.id);
      return since === undefined ? rule : { ...rule, quarantine: { reason: since.reason, sinceMs: since.sinceMs } };
    }),
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
  const { rules, filters, placeholders, refused } = parseRules([...beside, ...files]);
  const own = rules.filter((rule) => given.has(rule.location.path));
  const logSources = mappings.logSources();
  const { inactive } = compileRules(rules, logSources);
  const mappingOf = (event: Fields): string | undefined => mappingOfFields(mappings, event);
  return {
    accepted: [
      ...summarise(own, { inactive, filters, isOwn: () => true }),
      ...filters.map(filterSummary).filter(({ path }) => given.has(path)),
      ...placeholders.map(placeholderSummary).filter(({ path }) => given.has(path)),
    ],
    refused: refused.filter((rule) => given.has(rule.path)).map(toLine),
    // Routing is under test for correlations only: the events of a plain rule's tests need not say where they come from.
    tests: test ? own.flatMap((rule) => testRule(rule, { rules, logSources, ...(rule.kind === 'correlation' ? { mappingOf } : {}) })) : [],
  };
}

interface Around {
  readonly inactive: readonly InactiveRule[];
  readonly filters: readonly RuleFilter[];
  isOwn(rule: ParsedRule): boolean;
}

function summarise(rules: readonly ParsedRule[], { inactive, filters, isOwn }: Around): RuleSummary[] {
  const dormant = new Map(inactive.map((rule) => [rule.ruleId, rule]));
  return rules.map((rule) => {
    const { id, title, level, techniques } = rule.meta;
    const added = filters.filter(({ appliesTo }) => appliesTo.includes(id)).map((filter) => filter.title);
    const why = dormant.get(id);
    return {
      id,
      title,
      level,
      path: rule.location.path,
      kind: rule.kind,
      techniques,
      own: isOwn(rule),
      ...(added.length === 0 ? {} : { filters: added }),
      ...(why === undefined ? {} : { dormant: `${WHY_DORMANT[why.reason]} ${why.detail}` }),
    };
  });
}

function filterSummary({ id, title, location, appliesTo }: RuleFilter): RuleSummary {
  const shown = `${title} (filter of ${appliesTo.length} ${appliesTo.length === 1 ? 'rule' : 'rules'})`;
  return { id, title: shown, level: 'informational', path: location.path, kind: 'filter', techniques: [], own: true };
}

function placeholderSummary({ location, names }: GivenPlaceholders): RuleSummary {
  const shown = `${names.slice(0, 5).join(', ')}${names.length > 5 ? ', …' : ''}`;
  const id = `placeholders ${location.path}:${location.line}`;
  return { id, title: `values of ${shown}`, level: 'informational', path: location.path, kind: 'placeholders', techniques: [], own: true };
}

/** Why a rule that is loaded cannot fire, in words that its detail completes. */
const WHY_DORMANT: Readonly<Record<InactiveRule['reason'], string>> = {
  needs_values: 'needs values for',
  no_log_source: 'no mapping reads events of',
  missing_reference: 'refers to rules that are not there:',
};

/** A refusal as plain data: it crosses threads and HTTP. */
function toLine({ path, line, column, rule, error }: RefusedRule): RefusedLine {
  return { path, line, column, rule, code: error.code, reason: error.message };
}
