/** What others import to tell people about rules: `@tocsin/detect/explain`. */

export {
  type AttackCoverage,
  attackCoverage,
  type CoveredTactic,
  type CoveredTechnique,
  type CoveringRule,
  techniqueName,
} from './explain/attack-coverage.ts';
export { checkRules } from './explain/check-rules.ts';
export { explainRule } from './explain/explain-rule.ts';
export type * from './explain/explained-rule.ts';
export { createFieldProbe, type FieldProbe, fieldsOfRules } from './explain/field-probe.ts';
export { type NavigatorLayer, navigatorLayer } from './explain/navigator-layer.ts';
export { plainRulesOf } from './explain/plain-rules.ts';
export type * from './explain/rule-checkup.ts';
