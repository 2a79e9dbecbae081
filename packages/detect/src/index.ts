export { compileRules, routesTo } from './compile/compile-rules.ts';
export type { CompiledRules, FoldPlan, InactiveRule } from './compile/compiled-rules.ts';
export { type RestoredFoldSet, restoreFoldSet } from './correlate/checkpoint.ts';
export { createFoldSet, type FoldSet, type FoldStats } from './correlate/fold-set.ts';
export { EPISODE_GAP_MS, type Fold, type FoldContext, type FoldStep, LATENESS_MS } from './correlate/fold.ts';
export type { GroupLimits } from './correlate/group-table.ts';
export { matchFrame, type MatchFrameOptions, type RuleError } from './match/match-frame.ts';
export { parseRules, type ParsedRules, type RuleFile } from './parse/parse-rules.ts';
export type { CorrelationRule, DetectionRule, ParsedRule, RefusedRule, RuleMetadata } from './parse/parsed-rule.ts';
