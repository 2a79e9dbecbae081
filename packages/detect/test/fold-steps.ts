/** Rule sets, matches and steps for fold tests. */
import type { Alert, Match, MatchStep } from '@tocsin/core';
import { compileRules } from '../src/compile/compile-rules.ts';
import type { CompiledRules } from '../src/compile/compiled-rules.ts';
import type { FoldSet } from '../src/correlate/fold-set.ts';
import { parseRules } from '../src/parse/parse-rules.ts';
import { logSource, position } from './test-sources.ts';

/** A base rule `base` and a correlation over it; without one, the base rule alone. */
export function ruleSet(correlation?: string): CompiledRules {
  const base = 'title: Base\nid: base\nname: base\nlogsource: { product: test }\ndetection: { s: { a: 1 }, condition: s }\n';
  const files = [
    {
      path: 'r.yml',
      text: correlation === undefined ? base : `${base}---\ntitle: Over base\nid: corr\nlevel: high\ncorrelation: ${correlation}\n`,
    },
  ];
  const { rules, refused } = parseRules(files);
  if (refused[0] !== undefined) throw refused[0].error;
  return compileRules(rules, [logSource()]);
}

let serial = 0;

/** A match of `base` at a time. */
export function matchAt(
  timeMs: number,
  parts: { group?: Record<string, string>; host?: string; source?: string; id?: string } = {},
): Match {
  serial += 1;
  const id = parts.id ?? `e${timeMs}`;
  return {
    ruleId: 'base',
    tenant: 'acme',
    timeMs,
    receivedMs: timeMs + 5,
    evidence: { source: parts.source ?? 'src', eventId: id, timeMs, sha256: '', at: { position: position(`p${serial}`), index: 0 } },
    group: parts.group ?? { k: 'x' },
    entities: [{ kind: 'host', value: parts.host ?? 'h1' }],
    explanation: [],
  };
}

/** A step with these matches; the watermark is that of source `src`. */
export function stepOf(matches: readonly Match[], watermarkMs?: number, more: Record<string, number> = {}): MatchStep {
  const watermarks = watermarkMs === undefined ? more : { 'acme/src': watermarkMs, ...more };
  return { partition: 0, epoch: 'e', read: {}, watermarks, ruleSet: 'rs', judged: matches.length, duplicates: 0, matches };
}

/** Feeds steps and gives the last state of every alert, by id. */
export function runSteps(folds: FoldSet, steps: readonly MatchStep[]): Map<string, Alert> {
  const alerts = new Map<string, Alert>();
  for (const step of steps) for (const alert of folds.advance(step)) alerts.set(alert.id, alert);
  return alerts;
}
