/**
 * Episode: the part of a fold's state that is one alert, as plain data that survives a checkpoint. While an episode is open its fold
 * adds to it; the alert is drawn from it once per step. Its id is fixed by what opened it.
 */
import { type Alert, type AlertOrigin, type Entity, type Evidence, type Explanation, hashParts } from '@tocsin/core';
import type { RuleMetadata } from '../parse/parsed-rule.ts';
import type { RememberedMatch } from './held-match.ts';

/** An alert in the making. Changed in place by its fold only. */
export interface Episode {
  readonly alertId: string;
  readonly tenant: string;
  readonly groupBy: Readonly<Record<string, string>>;
  ruleSet: string;
  revision: number;
  count: number;
  firstMs: number;
  lastMs: number;
  receivedMs: number;
  evidence: Evidence[];
  explanation: Explanation[];
  entities: Entity[];
  causation: string[];
  /** Field values of the first match shown: what correlations above may group by. */
  carried: Readonly<Record<string, string>>;
}

/** What opens an episode: the group, and the earliest event of the first satisfying window. */
export interface EpisodeStart {
  readonly ruleId: string;
  readonly tenant: string;
  readonly groupKey: string;
  readonly groupBy: Readonly<Record<string, string>>;
  readonly ruleSet: string;
  readonly anchor: { readonly timeMs: number; readonly source: string; readonly eventId: string };
}

/** Events shown with an alert at most, and kept of a window that may become one. */
export const MAX_EVIDENCE = 10;
/** Of those, the first so many keep their excerpt: every change of an alert carries them again. */
const MAX_EXCERPTS = 3;
const MAX_EXPLANATION = 16;
const MAX_ENTITIES = 20;

/** A new episode without events. */
export function openEpisode(start: EpisodeStart): Episode {
  const { timeMs, source, eventId } = start.anchor;
  return {
    alertId: hashParts([start.tenant, start.ruleId, start.groupKey, hashParts([String(timeMs), source, eventId])]),
    tenant: start.tenant,
    groupBy: start.groupBy,
    ruleSet: start.ruleSet,
    revision: 0,
    count: 0,
    firstMs: timeMs,
    lastMs: timeMs,
    receivedMs: 0,
    evidence: [],
    explanation: [],
    entities: [],
    causation: [],
    carried: {},
  };
}

/** Shows a match in the episode: evidence, entities, explanation and times. The count is the fold's own. */
export function showMatch(episode: Episode, match: RememberedMatch): void {
  if (episode.evidence.length === 0) episode.carried = match.group;
  episode.firstMs = Math.min(episode.firstMs, match.timeMs);
  episode.lastMs = Math.max(episode.lastMs, match.timeMs);
  episode.receivedMs = Math.max(episode.receivedMs, match.receivedMs);
  if (episode.evidence.length < MAX_EVIDENCE) {
    const { excerpt: _left, ...bare } = match.evidence;
    episode.evidence.push(episode.evidence.length < MAX_EXCERPTS ? match.evidence : bare);
    episode.causation.push(match.alert?.id ?? match.evidence.eventId);
  }
  if (episode.explanation.length === 0) episode.explanation = match.explanation.slice(0, MAX_EXPLANATION);
  for (const entity of match.entities) {
    if (episode.entities.length >= MAX_ENTITIES) break;
    if (!episode.entities.some((one) => one.kind === entity.kind && one.value === entity.value)) episode.entities.push(entity);
  }
}

/** The alert after the latest change. `added` is explained behind what the matches explain. */
export function alertOf(meta: RuleMetadata, episode: Episode, context: { origin: AlertOrigin; added: readonly Explanation[] }): Alert {
  const { id, title, version, author, references, tags, techniques } = meta;
  return {
    id: episode.alertId,
    tenant: episode.tenant,
    origin: context.origin,
    rule: { id, title, version, ruleSet: episode.ruleSet, author, references, tags, techniques },
    severity: meta.severity,
    score: meta.score,
    status: 'new',
    groupBy: episode.groupBy,
    entities: [...episode.entities],
    count: episode.count,
    firstMs: episode.firstMs,
    lastMs: episode.lastMs,
    receivedMs: episode.receivedMs,
    evidence: [...episode.evidence],
    explanation: [...episode.explanation, ...context.added],
    advice: adviceOf(meta),
    causation: [...episode.causation],
    foldRevision: episode.revision,
  };
}

function adviceOf(meta: RuleMetadata): string {
  const known = meta.falsePositives.length === 0 ? [] : [`Known false positives: ${meta.falsePositives.join('; ')}.`];
  return [meta.description.trim(), ...known].filter((part) => part !== '').join('\n');
}
