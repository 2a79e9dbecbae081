/**
 * What correlations refer to: every reference must find a plain rule, and a rule that was written for a correlation alone goes with it
 * when that one is refused. What a correlation means is not known here.
 */
import { silentReferences } from './correlation.ts';
import type { CorrelationRule, DetectionRule, ParsedRule, RefusedRule } from './parsed-rule.ts';
import { attempt, type LocatedDocument } from './refuse-rule.ts';
import { RuleFault } from './rule-fault.ts';

/** A rule and the document it was read from. */
export interface LocatedRule extends LocatedDocument {
  readonly rule: ParsedRule;
}

/** Documents as far as they were read: rules, and documents that were refused already. */
export interface ReadDocuments {
  readonly accepted: readonly LocatedRule[];
  readonly failed: readonly LocatedDocument[];
}

/** How correlations find the rules they refer to. */
export function indexByReference(rules: readonly ParsedRule[]): ReadonlyMap<string, ParsedRule> {
  return new Map(
    rules.flatMap((rule) =>
      rule.meta.name === undefined
        ? [[rule.meta.id, rule]]
        : [
            [rule.meta.id, rule],
            [rule.meta.name, rule],
          ],
    ),
  );
}

/** The rules that stand, in order; the others are added to `refused`. */
export function resolveReferences({ accepted, failed }: ReadDocuments, refused: RefusedRule[]): ParsedRule[] {
  const byReference = indexByReference(accepted.map(({ rule }) => rule));
  const broken: Broken[] = failed.map((located) => ({ ...located, references: silentReferences(located.value) }));
  const kept = accepted.filter((located) => {
    const { rule } = located;
    if (rule.kind === 'detection' || attempt({ ...located, refused }, () => checkReferences(rule, byReference)) !== undefined) return true;
    broken.push({ ...located, references: rule.generate ? [] : rule.references });
    return false;
  });
  const orphans = findOrphans(kept, broken);
  return kept.flatMap((located) => {
    const correlation = orphans.get(located.rule);
    if (correlation === undefined) return [located.rule];
    return attempt({ ...located, refused }, () => refuseOrphan(correlation)) ?? [];
  });
}

/** A document that was refused, and the rules that raise no alerts of their own because of it. */
interface Broken extends LocatedDocument {
  readonly references: readonly string[];
}

function checkReferences(rule: CorrelationRule, byReference: ReadonlyMap<string, ParsedRule>): CorrelationRule {
  rule.references.forEach((reference, index) => {
    const path = ['correlation', 'rules', index];
    const referred = byReference.get(reference);
    if (referred === undefined)
      throw new RuleFault('detect.bad_correlation', `it refers to rule ${reference}, which is not there or was refused`, path);
    if (referred.kind === 'correlation')
      throw new RuleFault(
        'detect.unsupported',
        `it refers to ${reference}, a correlation: chained correlations are not evaluated yet`,
        path,
      );
  });
  return rule;
}

/** Plain rules that only refused correlations refer to, each with one of those. Evaluated alone they would raise alerts that nobody asked for. */
function findOrphans(kept: readonly LocatedRule[], broken: readonly Broken[]): ReadonlyMap<ParsedRule, LocatedDocument> {
  const byReference = indexByReference(kept.map(({ rule }) => rule));
  const served = new Set(
    kept.flatMap(({ rule }) => (rule.kind === 'correlation' ? rule.references.map((name) => byReference.get(name)) : [])),
  );
  const orphans = new Map<DetectionRule, LocatedDocument>();
  for (const correlation of broken) {
    for (const reference of correlation.references) {
      const rule = byReference.get(reference);
      if (rule?.kind === 'detection' && !served.has(rule) && !orphans.has(rule)) orphans.set(rule, correlation);
    }
  }
  return orphans;
}

function refuseOrphan({ file, document }: LocatedDocument): never {
  const reason = `it serves the correlation at ${file.path}:${document.line} only, which was refused`;
  throw new RuleFault('detect.bad_correlation', reason, []);
}
