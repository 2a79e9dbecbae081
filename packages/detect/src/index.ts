export { type CompileOptions, compileRules, routesTo } from './compile/compile-rules.ts';
export type { CompiledRules, CorrelationPlan, FoldPlan, InactiveRule, Route } from './compile/compiled-rules.ts';
export { type RuleClosure, ruleClosure } from './compile/rule-closure.ts';
export { EPISODE_GAP_MS, type Fold, type FoldContext, type FoldStep, LATENESS_MS } from './correlate/fold.ts';
export { createFoldSet, type FoldSet, type FoldSnapshot, type FoldStats } from './correlate/fold-set.ts';
export type { OwnsKey } from './correlate/fold-share.ts';

export { type RestoredFoldSet, restoreFoldSet } from './correlate/restore-fold-set.ts';
export type { GroupLimits, TableOptions } from './correlate/table-limits.ts';
export { checkDetector } from './detector/check-detector.ts';
export {
  type Detector,
  type DetectorAlert,
  type DetectorEvent,
  type DetectorFold,
  type DetectorSource,
  type DetectorStep,
  detectorRuleId,
  type LoadedDetector,
} from './detector/detector.ts';
export { DetectorFolds, type FoldFailure } from './detector/detector-folds.ts';
export { type DetectorRun, runDetector, type TestEvent } from './detector/run-detector.ts';
export { DetectorSelection } from './detector/select-events.ts';
export type { ProgramStore } from './filter/program-pool.ts';
export { entitiesOf } from './match/entities.ts';
export { groupValues } from './match/group-values.ts';
export { type JudgeOptions, judgeRecords, type RecordHit } from './match/judge-records.ts';
export { type MatchFrameOptions, matchFrame, type RuleError } from './match/match-frame.ts';
export { type RuleCost, RuleCostRecorder } from './match/rule-cost.ts';
export { decodeRules, encodeRules } from './parse/encode-rules.ts';
export { ParseMemo, type RuleFile } from './parse/parse-memo.ts';
export { type ParsedRules, type ParseOptions, parseRules } from './parse/parse-rules.ts';
export type {
  CorrelationRule,
  DetectionRule,
  GivenPlaceholders,
  ParsedRule,
  RefusedRule,
  RuleFilter,
  RuleMetadata,
} from './parse/parsed-rule.ts';
export { type RuleTestResult, type TestRuleOptions, testRule } from './test-rule.ts';
