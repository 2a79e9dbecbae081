/** What judges events by rules that were read already: neither YAML nor folds are loaded with it, so that a command over files starts at once. */
import type { RuleFile } from './parse/parse-memo.ts';

export { compileRules, routesTo } from './compile/compile-rules.ts';
export type { CompiledRules, Route } from './compile/compiled-rules.ts';
export type { ProgramStore } from './filter/program-pool.ts';
export { entitiesOf } from './match/entities.ts';
export { groupValues } from './match/group-values.ts';
export { judgeRecords, type RecordHit } from './match/judge-records.ts';
export { decodeRules, encodeRules } from './parse/encode-rules.ts';
export type { ParsedRules } from './parse/parse-rules.ts';
export type { DetectionRule, ParsedRule, RuleMetadata } from './parse/parsed-rule.ts';

/** Rule files read and encoded (`decodeRules`); the parser is loaded for it. */
export async function encodedRulesOf(files: readonly RuleFile[]): Promise<Uint8Array<ArrayBuffer>> {
  const { parseCompactly } = await import('./parse/parse-compactly.ts');
  return parseCompactly(files);
}
