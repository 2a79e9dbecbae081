/**
 * Correlations over windows: all types but `absence`. A window ends at an event and reaches back a timespan, both ends included; a session
 * reaches back to the first pause longer than that. An episode is the set of satisfying windows that share events, and its count that of
 * the events in it. Episodes do not depend on the order in which events come, as long as none is later than the allowed lateness behind the
 * watermark; later ones are left out and counted.
 *
 * A condition that more events cannot undo opens its alert with the event that satisfies it. Any other is decided when the watermark says
 * that no event can change it. A second episode that begins before the first is settled waits for that too: an out-of-order event might
 * still join them.
 */
import type { Explanation } from '@tocsin/core';
import type { CorrelationPlan, FoldInput } from '../compile/compiled-rules.ts';
import type { CorrelationRule, CorrelationType } from '../parse/parsed-rule.ts';
import { createColdForm } from './cold-window-fold.ts';
import { type Fold, type FoldStep, NO_EPISODES } from './fold.ts';
import { groupKeyOf } from './group-key.ts';
import type { FoldMatch } from './held-match.ts';
import type { MatchFields } from './match-fields.ts';
import { createMeasure } from './measures/create-measure.ts';
import type { MeasureKind } from './measures/measure.ts';
import { joinHashes } from './value-hash.ts';
import { type MachineStep, WindowMachine } from './window-machine.ts';
import { decodeState, emptyState, encodeState, type WindowState, weighState } from './window-state.ts';

type WindowedRule = CorrelationRule & { readonly type: Exclude<CorrelationType, 'absence'> };

/** Fold of a windowed correlation. */
export function createWindowFold(plan: CorrelationPlan, rule: WindowedRule, fields: MatchFields): Fold<WindowState> {
  const kind = createMeasure(rule);
  const payloadOf = payloadReader(plan, kind, fields);
  const { latenessMs } = plan;
  const machine = new WindowMachine(rule, kind, latenessMs);
  const shape = { timespanMs: rule.timespanMs, isSession: rule.window === 'session' };
  const stepOf = (state: WindowState, step: MachineStep | undefined): FoldStep<WindowState> =>
    step === undefined ? { state: orNothing(state), changed: NO_EPISODES, late: 0 } : { state: orNothing(state), ...step, late: 0 };
  return {
    version: `window 2 ${meaningOf(plan, rule, kind)}`,
    key: (match) => groupKeyOf(plan.inputs, match),
    initial: () => emptyState(kind, shape),
    advance: (state, match, context) => {
      if (match.timeMs < context.watermarkMs - latenessMs) return { state: orNothing(state), changed: NO_EPISODES, late: 1 };
      // Alerts of correlations below stand for themselves, whichever event raised them.
      const mark = match.alert === undefined ? fields.markOf(match) : 0;
      const isSame = mark !== 0 && state.last === mark;
      const payload = isSame && !kind.joinsRules ? undefined : payloadOf(match);
      if (payload === undefined) return stepOf(state, undefined);
      if (mark !== 0) state.last = mark;
      const step = machine.add(state, { match, payload, isSame }, context);
      return step === undefined && kind.isMonotone && state.cursor.ring.length > 0 ? undefined : stepOf(state, step);
    },
    onWatermark: (state, context) => stepOf(state, machine.settle(state, context)),
    nextDue: (state) => machine.nextDue(state),
    weigh: weighState,
    cold: createColdForm({ kind, shape, suppressMs: rule.suppressMs, latenessMs, fields, payloadOf }),
    explain: (episode): Explanation[] => [
      { selection: 'correlation', field: rule.type, value: String(episode.count), pattern: describeCondition(rule) },
    ],
    encode: encodeState,
    decode: (bytes) => decodeState(bytes, kind, shape),
  };
}

function orNothing(state: WindowState): WindowState | null {
  return state.cursor.ring.length === 0 && state.open === null ? null : state;
}

/** What the measure is told of a match; undefined where the match has nothing to measure. */
type PayloadReader = (match: FoldMatch) => number | undefined;

function payloadReader(plan: CorrelationPlan, kind: MeasureKind, fields: MatchFields): PayloadReader {
  const readers = new Map([...plan.inputs].map(([ruleId, input]) => [ruleId, inputReader(plan.rule, input, { kind, fields })]));
  let lastRule = '';
  let lastReader: PayloadReader | undefined;
  return (match) => {
    const { alert, ruleId } = match;
    if (alert !== undefined && !(kind.joinsRules ? alert.holds : alert.opens)) return undefined;
    if (ruleId !== lastRule) {
      lastRule = ruleId;
      lastReader = readers.get(ruleId);
    }
    return lastReader?.(match);
  };
}

function inputReader(rule: CorrelationRule, input: FoldInput, { kind, fields }: { kind: MeasureKind; fields: MatchFields }): PayloadReader {
  if (kind.countsOnly) return () => 1;
  const bit = 1 << input.index;
  if (kind.joinsRules) return () => bit;
  const read = input.valueFields.map((name) => fields.of(name));
  const [only] = read;
  if (rule.type !== 'value_count') return (match) => numberOf(only?.valueOf(match));
  if (read.length === 1 && only !== undefined) return (match) => only.hashOf(match);
  return (match) => {
    const hashes = read.map((field) => field.hashOf(match));
    return hashes.every((hash) => hash !== undefined) ? joinHashes(hashes) : undefined;
  };
}

/** A decimal number; anything else is none, and the event is passed over. */
function numberOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^\s*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\s*$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

/**
 * Everything that the meaning of a state depends on. The limits do not: which events there were is the same under others, and those take
 * effect with the next event or watermark; an episode that is open stays open.
 */
function meaningOf(plan: CorrelationPlan, rule: WindowedRule, kind: MeasureKind): string {
  const { type, timespanMs, window, suppressMs } = rule;
  return JSON.stringify([type, timespanMs, kind.isMonotone, kind.isOrdered, window, suppressMs, [...plan.inputs]]);
}

function describeCondition(rule: WindowedRule): string {
  const limits = rule.condition.map(({ comparison, limit }) => `${comparison} ${limit}`).join(', ');
  const what = [rule.percentile === undefined ? '' : `percentile ${rule.percentile} of`, ...rule.fields].filter((word) => word !== '');
  const shape = rule.window === 'session' ? 'in a session with pauses up to' : 'within';
  return [...what, rule.expression === undefined ? limits : 'the expression over its rules', shape, `${rule.timespanMs / 1000}s`].join(' ');
}
