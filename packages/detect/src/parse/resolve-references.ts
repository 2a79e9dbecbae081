/**
 * What correlations refer to: every reference must find a rule, chains of correlations must end, and a rule that was written for a correlation
 * alone goes with it when that one is refused. What a correlation means is not known here.
 */
import { silentReferences } from './correlation.ts';
import { type ChainFaults, findChainFaults } from './correlation-chains.ts';
import type { CorrelationRule, ParsedRule, RefusedRule } from './parsed-rule.ts';
import { attempt, type LocatedDocument } from './refuse-rule.ts';
import { RuleFault } from './rule-fault.ts';
import { indexByReference } from './rule-references.ts';

/** A rule and the document it was read from. */
export interface LocatedRule extends LocatedDocument {
  readonly rule: ParsedRule;
}

/** Documents as far as they were read: rules, and documents that were refused already. */
export interface ReadDocuments {
  readonly accepted: readonly LocatedRule[];
  readonly failed: readonly LocatedDocument[];
}

/** The rules that stand, in order; the others are added to `refused`. */
export function resolveReferences({ accepted, failed }: ReadDocuments, refused: RefusedRule[]): ParsedRule[] {
  const broken: Broken[] = failed.map((located) => ({ ...located, references: silentReferences(located.value) }));
  let kept = [...accepted];
  // What is refused takes others with it, above and below: look again until nothing more falls.
  for (let before = -1; before !== kept.length; ) {
    before = kept.length;
    kept = keepSound(kept, broken, refused);
    kept = keepWanted(kept, broken, refused);
  }
  return kept.map(({ rule }) => rule);
}

/** Without correlations whose references lead nowhere or in a circle. */
function keepSound(located: readonly LocatedRule[], broken: Broken[], refused: RefusedRule[]): LocatedRule[] {
  const rules = located.map(({ rule }) => rule);
  const byReference = indexByReference(rules);
  const chains = findChainFaults(rules, byReference);
  return located.filter((one) => {
    const { rule } = one;
    if (rule.kind === 'detection') return true;
    if (attempt({ ...one, refused }, () => checkReferences(rule, byReference, chains)) !== undefined) return true;
    broken.push({ ...one, references: silencedBy(rule) });
    return false;
  });
}

/** Without rules that only refused correlations refer to. */
function keepWanted(located: readonly LocatedRule[], broken: Broken[], refused: RefusedRule[]): LocatedRule[] {
  const orphans = findOrphans(located, broken);
  return located.filter((one) => {
    const correlation = orphans.get(one.rule);
    if (correlation === undefined) return true;
    attempt({ ...one, refused }, () => refuseOrphan(correlation));
    broken.push({ ...one, references: silencedBy(one.rule) });
    return false;
  });
}

/** A document that was refused, and the rules that raise no alerts of their own because of it. */
interface Broken extends LocatedDocument {
  readonly references: readonly string[];
}

function silencedBy(rule: ParsedRule): readonly string[] {
  return rule.kind === 'detection' || rule.generate ? [] : [...rule.references, ...rule.without];
}

function checkReferences(rule: CorrelationRule, byReference: ReadonlyMap<string, ParsedRule>, chains: ChainFaults): CorrelationRule {
  for (const [key, references] of [['rules', rule.references] as const, ['without', rule.without] as const]) {
    const ids = new Map<string, string>();
    for (const [index, reference] of references.entries()) {
      const path = ['correlation', key, index];
      const referred = byReference.get(reference);
      if (referred === undefined)
        throw new RuleFault('detect.bad_correlation', `it refers to rule ${reference}, which is not there or was refused`, path);
      const twin = ids.get(referred.meta.id);
      if (twin !== undefined) throw new RuleFault('detect.bad_correlation', `${twin} and ${reference} are the same rule`, path);
      ids.set(referred.meta.id, reference);
    }
  }
  const chain = chains.get(rule);
  if (chain !== undefined) throw new RuleFault('detect.bad_correlation', chain, ['correlation', 'rules']);
  return rule;
}

/** Rules that only refused correlations refer to, each with one of those. Evaluated alone they would raise alerts that nobody asked for. */
function findOrphans(kept: readonly LocatedRule[], broken: readonly Broken[]): ReadonlyMap<ParsedRule, LocatedDocument> {
  const byReference = indexByReference(kept.map(({ rule }) => rule));
  const served = new Set(
    kept.flatMap(({ rule }) =>
      rule.kind === 'correlation' ? [...rule.references, ...rule.without].map((name) => byReference.get(name)) : [],
    ),
  );
  const orphans = new Map<ParsedRule, LocatedDocument>();
  for (const correlation of broken) {
    for (const reference of correlation.references) {
      const rule = byReference.get(reference);
      if (rule !== undefined && !served.has(rule) && !orphans.has(rule)) orphans.set(rule, correlation);
    }
  }
  return orphans;
}

function refuseOrphan({ file, document }: LocatedDocument): never {
  const reason = `it serves the correlation at ${file.path}:${document.line} only, which was refused`;
  throw new RuleFault('detect.bad_correlation', reason, []);
}
