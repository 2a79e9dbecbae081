/**
 * Grouping of plain rules: hits of one rule on one entity become one alert per episode. An episode takes every hit within the gap of
 * its first or last hit and closes when event time has passed its last hit by the gap. No hit is ever left out, however late: one that
 * lies far from the open episode gets an episode of its own. Where an out-of-order hit closes the gap between two episodes, both stay.
 */
import type { Match } from '@tocsin/core';
import type { RuleMetadata } from '../parse/parsed-rule.ts';
import { type Episode, openEpisode, showMatch } from './episode.ts';
import { decodeJson, EPISODE_GAP_MS, encodeJson, type Fold, type FoldContext, weighEpisode } from './fold.ts';

/** Open episodes of one entity. */
export interface GroupingState {
  readonly open: { readonly episode: Episode; closeMs: number }[];
}

/** Episodes of one entity open at once, when hits of several times come in at once; beyond, the one that closes first is closed. */
const MAX_OPEN = 8;

/** Fold of a rule about single events. */
export function createGroupingFold(meta: RuleMetadata): Fold<GroupingState> {
  return {
    version: `grouping 1 ${EPISODE_GAP_MS}`,
    key: (match) => {
      const entity = match.entities[0];
      return entity === undefined ? JSON.stringify(['source', match.evidence.source]) : JSON.stringify([entity.kind, entity.value]);
    },
    initial: () => ({ open: [] }),
    advance: (state, match, context) => {
      const joined = episodeFor(state, match) ?? startEpisode(state, meta, { match, context });
      joined.episode.count += 1;
      joined.episode.ruleSet = context.ruleSet;
      showMatch(joined.episode, match);
      // From the watermark on where that is later: hits of long ago stay together while they keep coming.
      joined.closeMs = Math.max(joined.episode.lastMs, context.watermarkMs, joined.closeMs - EPISODE_GAP_MS) + EPISODE_GAP_MS;
      return { state, changed: [joined.episode], late: 0 };
    },
    onWatermark: (state, context) => {
      const open = state.open.filter((one) => one.closeMs >= context.watermarkMs);
      return { state: open.length === 0 ? null : { open }, changed: [], late: 0 };
    },
    nextDue: (state) => (state.open.length === 0 ? null : Math.min(...state.open.map((one) => one.closeMs)) + 1),
    weigh: (state) => state.open.reduce((bytes, { episode }) => bytes + weighEpisode(episode), 100),
    explain: () => [],
    encode: encodeJson,
    decode: (bytes) => decodeJson<GroupingState>(bytes),
  };
}

type OpenEpisode = GroupingState['open'][number];

function episodeFor(state: GroupingState, match: Match): OpenEpisode | undefined {
  return state.open.find(
    ({ episode }) => match.timeMs >= episode.firstMs - EPISODE_GAP_MS && match.timeMs <= episode.lastMs + EPISODE_GAP_MS,
  );
}

function startEpisode(state: GroupingState, meta: RuleMetadata, { match, context }: { match: Match; context: FoldContext }): OpenEpisode {
  const [kind, value] = JSON.parse(context.groupKey) as [string, string];
  const episode = openEpisode({
    ruleId: meta.id,
    tenant: context.tenant,
    groupKey: context.groupKey,
    groupBy: { [kind]: value },
    ruleSet: context.ruleSet,
    anchor: match.evidence,
  });
  const opened: OpenEpisode = { episode, closeMs: 0 };
  state.open.push(opened);
  if (state.open.length > MAX_OPEN) {
    state.open.sort((a, b) => a.closeMs - b.closeMs);
    state.open.splice(state.open[0] === opened ? 1 : 0, 1);
  }
  return opened;
}
