/**
 * `absence` (Tocsin's extension): a group that was seen and then is not seen for longer than the timespan. Armed by the group's first match;
 * fires once per silence, when the watermark has passed the last match by more than the timespan, and by nothing else. The next match
 * ends the silence: the alert then tells when it came.
 */
import type { Explanation } from '@tocsin/core';
import type { CorrelationPlan } from '../compile/compiled-rules.ts';
import type { CorrelationRule } from '../parse/parsed-rule.ts';
import { type Episode, openEpisode, showMatch } from './episode.ts';
import { decodeJson, encodeJson, type Fold, type FoldContext, type Held, weighEpisode, weighMatch } from './fold.ts';
import { groupByOf, groupKeyOf } from './group-key.ts';
import type { FoldMatch } from './held-match.ts';

/** Signs of life that are not decided yet, and the silence that is on. */
export interface AbsenceState {
  /** By event time; between two of them lies more than the timespan. */
  pending: FoldMatch[];
  silence: { readonly episode: Episode; readonly sinceMs: number } | null;
}

/** Silences waiting for the watermark at once; beyond, the oldest are decided by what is known. */
const MAX_PENDING = 16;

/** Fold of an `absence` correlation. */
export function createAbsenceFold(plan: CorrelationPlan): Fold<AbsenceState> {
  const { rule } = plan;
  const { timespanMs } = rule;
  /** Fires what the watermark has decided; a silence that is already over is fired and ended at once. */
  const decide = (state: AbsenceState, context: FoldContext): Held[] => {
    const held: Held[] = [];
    for (let last = state.pending[0]; last !== undefined && last.timeMs + timespanMs < context.watermarkMs; last = state.pending[0]) {
      const episode = startSilence(rule, last, context);
      held.push({ timeMs: last.timeMs + timespanMs, match: last, episode, opens: true, holds: true });
      state.pending.shift();
      const next = state.pending[0];
      if (next === undefined) state.silence = { episode, sinceMs: last.timeMs };
      else noteReturn(episode, next);
    }
    return held;
  };
  return {
    version: `absence 2 ${JSON.stringify([timespanMs, [...plan.inputs]])}`,
    key: (match) => groupKeyOf(plan.inputs, match),
    initial: () => ({ pending: [], silence: null }),
    advance: (state, match, context) => {
      const { silence } = state;
      if (silence !== null && match.timeMs <= silence.sinceMs) return { state, changed: [], late: 1 };
      state.silence = null;
      insertSign(state, match, timespanMs);
      if (silence === null) return { state, changed: [], late: 0 };
      noteReturn(silence.episode, match);
      silence.episode.ruleSet = context.ruleSet;
      return { state, changed: [silence.episode], late: 0 };
    },
    onWatermark: (state, context) => {
      const held = decide(state, context);
      return { state, changed: held.flatMap(({ episode }) => episode ?? []), late: 0, held };
    },
    nextDue: (state) => (state.pending[0] === undefined ? null : state.pending[0].timeMs + timespanMs + 1),
    weigh: (state) =>
      200 +
      (state.silence === null ? 0 : weighEpisode(state.silence.episode)) +
      state.pending.reduce((bytes, match) => bytes + weighMatch(match), 0),
    explain: (episode): Explanation[] => [
      {
        selection: 'correlation',
        field: 'absence',
        value: `last seen ${new Date(episode.firstMs).toISOString()}`,
        pattern: `nothing for more than ${timespanMs / 1000}s`,
      },
    ],
    encode: encodeJson,
    decode: (bytes) => decodeJson<AbsenceState>(bytes),
  };
}

function startSilence(rule: CorrelationRule, last: FoldMatch, context: FoldContext): Episode {
  const { tenant, groupKey, ruleSet } = context;
  const episode = openEpisode({
    ruleId: rule.meta.id,
    tenant,
    groupKey,
    groupBy: groupByOf(rule.groupBy, groupKey),
    ruleSet,
    anchor: last.evidence,
  });
  episode.count = 1;
  showMatch(episode, last);
  return episode;
}

/** Adds a sign of life and leaves out those that a later one follows within the timespan. */
function insertSign(state: AbsenceState, match: FoldMatch, timespanMs: number): void {
  const { pending } = state;
  let at = pending.length;
  while (at > 0 && (pending[at - 1] as FoldMatch).timeMs > match.timeMs) at -= 1;
  pending.splice(at, 0, match);
  state.pending = pending.filter((one, index) => {
    const next = pending[index + 1];
    return next === undefined || next.timeMs - one.timeMs > timespanMs;
  });
  if (state.pending.length > MAX_PENDING) state.pending.shift();
}

function noteReturn(episode: Episode, match: FoldMatch): void {
  const seen: Explanation = { selection: 'correlation', field: 'seen again', value: new Date(match.timeMs).toISOString(), pattern: '' };
  episode.explanation = [...episode.explanation, seen];
  episode.receivedMs = Math.max(episode.receivedMs, match.receivedMs);
}
