/** Which rules hang together: what stands above some rules, and everything that those stand on. */
import type { ParsedRule } from '../parse/parsed-rule.ts';
import { indexByReference } from '../parse/rule-references.ts';

/** Rules that hang together, each list in the order of the whole. */
export interface RuleClosure {
  /** The rules asked for and every correlation above them: what changes when one of them is judged anew. */
  readonly targets: readonly ParsedRule[];
  /** The targets and every rule they take matches of. */
  readonly needed: readonly ParsedRule[];
}

/** The closure of some rules among all; ids that no rule has are passed over. */
export function ruleClosure(rules: readonly ParsedRule[], ids: Iterable<string>): RuleClosure {
  const byReference = indexByReference(rules);
  const below = new Map<ParsedRule, readonly ParsedRule[]>(
    rules.map((rule) => [
      rule,
      rule.kind === 'detection' ? [] : [...rule.references, ...rule.without].flatMap((reference) => byReference.get(reference) ?? []),
    ]),
  );
  const above = new Map<ParsedRule, ParsedRule[]>();
  for (const [rule, parts] of below) for (const part of parts) above.set(part, [...(above.get(part) ?? []), rule]);
  const asked = new Set(ids);
  const targets = reach(
    rules.filter((rule) => asked.has(rule.meta.id)),
    (rule) => above.get(rule) ?? [],
  );
  const needed = reach([...targets], (rule) => below.get(rule) ?? []);
  return { targets: rules.filter((rule) => targets.has(rule)), needed: rules.filter((rule) => needed.has(rule)) };
}

function reach(from: readonly ParsedRule[], next: (rule: ParsedRule) => readonly ParsedRule[]): ReadonlySet<ParsedRule> {
  const found = new Set(from);
  const open = [...from];
  for (let rule = open.pop(); rule !== undefined; rule = open.pop())
    for (const one of next(rule)) {
      if (found.has(one)) continue;
      found.add(one);
      open.push(one);
    }
  return found;
}
