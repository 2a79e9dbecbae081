/** What judges events by rules that were read already: neither YAML nor folds are loaded with it, so that a command over files starts at once. */

export { compileRules, routesTo } from './compile/compile-rules.ts';
export type { CompiledRules, Route } from './compile/compiled-rules.ts';
export type { ProgramStore } from './filter/program-pool.ts';
export { entitiesOf } from './match/entities.ts';
export { groupValues } from './match/group-values.ts';
export { judgeRecords, type RecordHit } from './match/judge-records.ts';
export { decodeRules, encodeRules } from './parse/encode-rules.ts';
export type { ParsedRules } from './parse/parse-rules.ts';
export type { DetectionRule, ParsedRule, RuleMetadata } from './parse/parsed-rule.ts';
export { joinSlices, type RuleSlice, sliceFiles } from './parse/rule-slice.ts';
