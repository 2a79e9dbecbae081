/** The rules that a catch-up judges: those asked for, the correlations above them, and whatever these take matches of. */
import { type LogSource, namedLogSource } from '@tocsin/core';
import { type CompiledRules, compileRules, EPISODE_GAP_MS, LATENESS_MS, type ParsedRule, routesTo, ruleClosure } from '@tocsin/detect';
import { shortVersion } from '../coverage/rule-list.ts';
import type { RuleBook } from '../rules/rule-book.ts';

/** A rule by id and the beginning of its version. */
export interface RuleRef {
  readonly id: string;
  readonly version: string;
}

/** What a catch-up is about. */
export interface CatchUpRules {
  /** Rules whose alerts it sets right. */
  readonly targets: readonly RuleRef[];
  /** Rules that must have judged an event before it counts as evaluated: the targets and what they stand on. */
  readonly needed: readonly RuleRef[];
  /** The needed rules, ready to judge and to fold. */
  readonly compiled: CompiledRules;
  /** Event time before an event that can matter to what becomes of it, milliseconds. */
  readonly reachMs: number;
}

/** A session may have begun long before the pause that it is defined by: so many of them are looked back. */
const SESSION_PAUSES = 10;

/** The rules of a catch-up under a rule set; those that are not in force, or cannot fire, are left out. */
export function catchUpRules(
  book: RuleBook,
  tenant: string,
  { ids, logSources }: { ids: readonly string[]; logSources: readonly LogSource[] },
): CatchUpRules {
  const { targets, needed } = ruleClosure(activeRules(book, tenant), ids);
  const compiled = compileRules(needed, logSources, { latenessMs: book.latenessMs });
  const isTarget = new Set(targets.map(({ meta }) => meta.id));
  const latenessMs = book.latenessMs ?? LATENESS_MS;
  const reaches = compiled.folds.filter(({ meta }) => isTarget.has(meta.id)).map((plan) => reachOf(plan, latenessMs));
  return { targets: targets.map(refOf), needed: needed.map(refOf), compiled, reachMs: Math.max(0, ...reaches) };
}

/** Ids of the rules, correlations included, that look at the events of each mapping. */
export function ruleRouting(
  book: RuleBook,
  tenant: string,
  { mappings, logSources }: { mappings: readonly string[]; logSources: readonly LogSource[] },
): Readonly<Record<string, readonly string[]>> {
  const rules = book.rulesFor(tenant);
  const byMapping = new Map(logSources.map((logSource) => [logSource.mapping, logSource]));
  return Object.fromEntries(
    mappings.map((mapping) => {
      const logSource = namedLogSource(byMapping, mapping);
      if (logSource === undefined) return [mapping, []];
      const looking = rules.filter((rule) => rule.kind === 'detection' && routesTo(rule.logSource, logSource));
      return [
        mapping,
        ruleClosure(
          rules,
          looking.map(({ meta }) => meta.id),
        ).targets.map(({ meta }) => meta.id),
      ];
    }),
  );
}

/** Rules of a tenant that judge events. */
function activeRules(book: RuleBook, tenant: string): ParsedRule[] {
  const held = new Set(book.quarantineOf(tenant).map(({ ruleId }) => ruleId));
  const inactive = new Set(book.compiledFor(tenant).inactive.map(({ ruleId }) => ruleId));
  return book.rulesFor(tenant).filter(({ meta }) => !held.has(meta.id) && !inactive.has(meta.id));
}

function refOf({ meta }: ParsedRule): RuleRef {
  return { id: meta.id, version: shortVersion(meta.version) };
}

function reachOf(plan: CompiledRules['folds'][number], latenessMs: number): number {
  if (plan.kind === 'grouping') return EPISODE_GAP_MS + latenessMs;
  const { timespanMs, suppressMs, window } = plan.rule;
  return plan.delayMs + timespanMs * (window === 'session' ? SESSION_PAUSES : 1) + suppressMs + 2 * latenessMs;
}
