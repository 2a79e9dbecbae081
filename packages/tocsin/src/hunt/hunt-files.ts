/**
 * A whole hunt, from loaded rules to its last finding: blocks are judged side by side, findings handed on in the order of the input, and
 * at the end what correlations make of them, in order of event time.
 */
import type { Alert, Match, Position } from '@tocsin/core';
import type { CompiledRules, ParsedRule, RuleMetadata } from '@tocsin/detect/judge';
import type { BufferPool } from './buffer-pool.ts';
import { correlateMatches } from './correlate-matches.ts';
import type { CorrelationFinding, Finding, FindingPlace } from './finding.ts';
import type { HuntTally } from './hunt-tally.ts';
import type { Judge } from './judge.ts';
import type { BlockVerdict, Hit, MemberHit } from './judge-block.ts';
import type { HuntInput } from './list-inputs.ts';
import { MatchSorter } from './match-sorter.ts';
import type { BlockPlace } from './ordered-verdicts.ts';
import { runHunt } from './run-hunt.ts';

/** What a hunt needs. */
export interface HuntOptions {
  readonly compiled: CompiledRules;
  readonly judge: Judge;
  readonly pool: BufferPool;
  readonly inputs: readonly HuntInput[];
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly tally: HuntTally;
  readonly onFinding: (finding: Finding) => void;
  /** Told of a rule that threw on a record, which went on to the other rules. */
  readonly onRuleError: (ruleId: string, place: FindingPlace, reason: string) => void;
  readonly onProgress: (takenBytes: number) => void;
  /** Folder for what does not fit into memory. */
  readonly temporary: string;
  /** Now, milliseconds since 1970. */
  readonly nowMs: number;
  readonly signal: AbortSignal;
}

/** Resolves when everything was judged. @throws the signal's reason, hunt.internal */
export async function huntFiles(options: HuntOptions): Promise<void> {
  const rules = new Map(options.compiled.rules.map((rule) => [rule.meta.id, rule]));
  await using sorter = new MatchSorter(options.temporary);
  let recordsBefore = 0;
  await runHunt({
    ...options,
    onVerdict: async (verdict, place) => {
      tellHits(options, rules, { verdict, place });
      for (const member of verdict.members) await sorter.add(placeMember(member, place, recordsBefore));
      recordsBefore += verdict.records;
    },
  });
  const held = await correlateMatches(options.compiled, sorter.inOrder(), (alert) => {
    const rule = rules.get(alert.rule.id);
    if (rule !== undefined) options.onFinding(correlationFinding(alert, rule.meta));
  });
  for (const [ruleId, count] of held) options.tally.addMatches(ruleId, count);
}

function tellHits(
  { onFinding, onRuleError }: HuntOptions,
  rules: ReadonlyMap<string, ParsedRule>,
  { verdict, place }: { verdict: BlockVerdict; place: BlockPlace },
): void {
  for (const hit of verdict.hits) {
    const rule = rules.get(hit.ruleId);
    if (rule !== undefined) onFinding(matchFinding(hit, rule.meta, place));
  }
  for (const { ruleId, line, reason } of verdict.ruleErrors)
    onRuleError(ruleId, { file: place.file, line: place.firstLine + line }, reason);
}

function matchFinding(hit: Hit, rule: RuleMetadata, { file, firstLine }: BlockPlace): Finding {
  const { timeMs, attributes, explanation, record } = hit;
  return { kind: 'match', rule, place: { file, line: firstLine + hit.line }, timeMs, attributes, explanation, record };
}

/** Where the event stands travels through the folds as its position: file, tab, line. */
function placeMember({ match, line, index }: MemberHit, { file, firstLine }: BlockPlace, recordsBefore: number): Match {
  const position = `${file}\t${firstLine + line}` as Position;
  // Several events may stand on one line, and one event may match several rules: it is one event by its number.
  const at = { position, index: recordsBefore + index };
  const evidence = { ...match.evidence, eventId: `${position} ${at.index}`, at };
  return { ...match, evidence };
}

function correlationFinding(alert: Alert, rule: RuleMetadata): CorrelationFinding {
  const nameOf = (kind: string): string | undefined => alert.entities.find((entity) => entity.kind === kind)?.value;
  return {
    kind: 'correlation',
    rule,
    groupBy: alert.groupBy,
    host: nameOf('host'),
    user: nameOf('user'),
    count: alert.count,
    firstMs: alert.firstMs,
    lastMs: alert.lastMs,
    places: alert.evidence.map(({ at }) => placeOfPosition(at.position)),
    explanation: alert.explanation,
  };
}

function placeOfPosition(position: string): FindingPlace {
  const tab = position.lastIndexOf('\t');
  return { file: position.slice(0, tab), line: Number(position.slice(tab + 1)) };
}
