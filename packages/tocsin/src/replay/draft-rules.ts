/**
 * The rules of a backtest: the draft as it would stand among the rules in force, in the place of those with the same ids, and the versions
 * in force. Each with what it refers to and nothing else.
 */
import { type LogSource, TocsinError } from '@tocsin/core';
import { type CompiledRules, compileRules, type ParsedRule, parseRules, type RefusedRule } from '@tocsin/detect';
import type { RuleFile } from '../rules/rule-book.ts';
import type { KeptRules } from './replay-rules.ts';

/** One side of a backtest. */
export interface Side {
  readonly compiled: CompiledRules;
  readonly rules: ReadonlyMap<string, ParsedRule>;
  /** Ids of the detections that a rule stands on: of a detection, its own. */
  readonly below: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Both sides, and what is compared. */
export interface DraftRules {
  readonly drafts: readonly ParsedRule[];
  readonly draft: Side;
  readonly live: Side;
  readonly refused: readonly RefusedRule[];
}

/** @throws replay.no_rules where nothing of the draft can be used */
export function readDraftRules(
  files: readonly RuleFile[],
  kept: KeptRules,
  options: { logSources: readonly LogSource[]; latenessMs: number },
): DraftRules {
  const own = files.map((file) => ({ ...file, path: `draft:${file.path}` }));
  // First come, first served: a rule in force gives way to a draft of its id.
  const { rules, refused } = parseRules([...own, ...kept.files]);
  const isDraft = ({ path }: { readonly path: string }): boolean => own.some((file) => file.path === path);
  const drafts = rules.filter((rule) => isDraft(rule.location));
  const left = refused.filter(isDraft).map((one) => ({ ...one, path: one.path.slice('draft:'.length) }));
  if (drafts.length === 0)
    throw new TocsinError('replay.no_rules', { refused: left.length, reason: left[0]?.reason ?? 'there is none in them' });
  const held = new Set(kept.quarantine.map(({ ruleId }) => ruleId));
  const inForce = parseRules(kept.files).rules.filter((rule) => !held.has(rule.meta.id));
  const ids = new Set(drafts.map((rule) => rule.meta.id));
  return {
    drafts,
    refused: left,
    draft: sideOf(drafts, rules, options),
    live: sideOf(
      inForce.filter((rule) => ids.has(rule.meta.id)),
      inForce,
      options,
    ),
  };
}

function sideOf(
  wanted: readonly ParsedRule[],
  all: readonly ParsedRule[],
  { logSources, latenessMs }: { logSources: readonly LogSource[]; latenessMs: number },
): Side {
  const byReference = new Map(
    all.flatMap((rule) => [[rule.meta.id, rule] as const, ...(rule.meta.name === undefined ? [] : [[rule.meta.name, rule] as const])]),
  );
  const taken = new Set<ParsedRule>();
  const below = new Map<string, ReadonlySet<string>>();
  for (const rule of wanted) {
    const found = closure(rule, byReference);
    for (const one of found) taken.add(one);
    below.set(rule.meta.id, new Set([...found].filter(({ kind }) => kind === 'detection').map(({ meta }) => meta.id)));
  }
  const rules = all.filter((rule) => taken.has(rule));
  return { compiled: compileRules(rules, logSources, { latenessMs }), rules: new Map(rules.map((rule) => [rule.meta.id, rule])), below };
}

/** A rule and everything that it refers to. */
function closure(rule: ParsedRule, byReference: ReadonlyMap<string, ParsedRule>): ReadonlySet<ParsedRule> {
  const found = new Set<ParsedRule>([rule]);
  for (const one of found) {
    if (one.kind !== 'correlation') continue;
    for (const reference of [...one.references, ...one.without]) {
      const next = byReference.get(reference);
      if (next !== undefined) found.add(next);
    }
  }
  return found;
}
