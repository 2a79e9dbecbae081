/** Looks at rules before any event comes. A correlation can fire when the rules it counts can, and its condition leaves a number open. */
import type { CorrelationRule, ParsedRule } from '../parse/parsed-rule.ts';
import { indexByReference } from '../parse/rule-references.ts';
import { checkDetection, type DetectionFindings } from './check-detection.ts';
import type { NeverReason, RuleCheckup, SourceFacts } from './rule-checkup.ts';

/** One checkup per rule, in the order of the rules. Correlations find the rules they refer to among them. */
export function checkRules(rules: readonly ParsedRule[], sources: readonly SourceFacts[]): RuleCheckup[] {
  const among: Among = { byReference: indexByReference(rules), findings: new Map(), sources };
  return rules.map((rule): RuleCheckup => {
    const { id: ruleId, title } = rule.meta;
    return { ruleId, title, path: rule.location.path, line: rule.location.line, kind: rule.kind, ...findingsOf(rule, among) };
  });
}

interface Among {
  readonly byReference: ReadonlyMap<string, ParsedRule>;
  /** What was found already; a correlation that is being looked at counts as one that can fire, so that a circle ends. */
  readonly findings: Map<ParsedRule, DetectionFindings>;
  readonly sources: readonly SourceFacts[];
}

const CAN_FIRE: DetectionFindings = { canFire: true, never: [], doubts: [], sources: [] };

function findingsOf(rule: ParsedRule, among: Among): DetectionFindings {
  const known = among.findings.get(rule);
  if (known !== undefined) return known;
  among.findings.set(rule, CAN_FIRE);
  const found = rule.kind === 'detection' ? checkDetection(rule, among.sources) : checkCorrelation(rule, among);
  among.findings.set(rule, found);
  return found;
}

function checkCorrelation(rule: CorrelationRule, among: Among): DetectionFindings {
  const never: NeverReason[] = [];
  const referred = rule.references.map((reference) => ({ reference, rule: among.byReference.get(reference) }));
  const missing = referred.filter((one) => one.rule === undefined).map(({ reference }) => reference);
  if (missing.length > 0) never.push({ code: 'missing_reference', detail: `it refers to ${missing.join(', ')}, which is not there` });
  const found = referred.flatMap(({ reference, rule: base }) =>
    base === undefined ? [] : [{ reference, findings: findingsOf(base, among) }],
  );
  const silent = found.filter(({ findings }) => !findings.canFire);
  const isNever = silent.length > 0 && (silent.length === found.length || needsAll(rule));
  const [reason] = silent.flatMap(({ findings }) => findings.never);
  if (isNever && reason !== undefined)
    never.push({ ...reason, detail: `${silent[0]?.reference ?? ''}, which it needs, cannot fire: ${reason.detail}` });
  const doubts = isNever ? [] : silent.map(({ reference }) => `${reference}, which it counts, cannot fire`);
  return { canFire: never.length === 0, never, doubts, sources: found.flatMap(({ findings }) => findings.sources) };
}

/** Whether every rule it refers to must match: so do the temporal types, unless their condition says otherwise. */
function needsAll({ type, expression, condition, references }: CorrelationRule): boolean {
  const wantsAll = condition.some(({ comparison, limit }) => (comparison === 'gte' || comparison === 'eq') && limit === references.length);
  return type.startsWith('temporal') && expression === undefined && wantsAll;
}
