/** The alert of a silent source: its identity, its words, and what it becomes when the source is heard again. */
import { type Alert, type AlertAct, hashParts } from '@tocsin/core';
import type { OpenSilence, SilenceLevel, TellableSilence } from './silence-state.ts';

/** Id of the rule that these alerts are shown under. */
const SILENCE_RULE = 'tocsin.source-silent';

/** Who closes them. */
const ACTOR = 'tocsin/silence';
/** Changes with the words of the rule. */
const RULE_VERSION = '1';
const WEIGHT: Readonly<Record<SilenceLevel, { severity: Alert['severity']; score: number }>> = {
  1: { severity: 3, score: 50 },
  2: { severity: 4, score: 75 },
};

/** The alert's id: the same for the same silence, whoever notices it and however often. */
export function silenceAlertId({ tenant, source, sinceMs }: OpenSilence): string {
  return hashParts([tenant, SILENCE_RULE, source, String(sinceMs)]);
}

/** A new alert, or the next state of one that is there: what people made of it stays. */
export function silenceAlert(silence: TellableSilence, before: Alert | undefined, nowMs: number): Alert {
  const { tenant, source, sinceMs, level } = silence;
  return {
    id: silenceAlertId(silence),
    tenant,
    origin: 'live',
    rule: RULE,
    ...WEIGHT[level],
    status: before?.status ?? 'new',
    groupBy: { source },
    entities: [{ kind: 'source', value: source }],
    count: 1,
    firstMs: sinceMs,
    lastMs: sinceMs,
    receivedMs: nowMs,
    evidence: [],
    explanation: [
      {
        selection: 'silence',
        field: 'last event taken',
        value: new Date(sinceMs).toISOString(),
        pattern: `nothing since, as of ${new Date(nowMs).toISOString()}`,
      },
    ],
    advice: ADVICE,
    causation: [],
    foldRevision: Math.max(level, (before?.foldRevision ?? 0) + 1),
    lastAct: before?.lastAct,
  };
}

/** The alert once the silence is over; undefined where people have settled it already. */
export function silenceOver(before: Alert, { heardMs, nowMs }: { readonly heardMs: number; readonly nowMs: number }): Alert | undefined {
  if (before.status === 'resolved' || before.status === 'false_positive') return undefined;
  const isHeard = heardMs > before.lastMs;
  const note = isHeard
    ? `The source sends again since ${new Date(heardMs).toISOString()}.`
    : 'The source is not watched for silence any more.';
  const lastAct: AlertAct = { kind: 'resolve', actor: ACTOR, atMs: nowMs, note };
  return {
    ...before,
    status: 'resolved',
    lastMs: Math.max(before.lastMs, heardMs),
    receivedMs: nowMs,
    foldRevision: before.foldRevision + 1,
    lastAct,
  };
}

const ADVICE =
  'A source that sent events before sends none, or none that is taken. Ask `tocsin sources show NAME` what was heard of it last and what was refused, then look at its agent, its credential and the way in between. An attacker who stops logging looks like this.';

const RULE: Alert['rule'] = {
  id: SILENCE_RULE,
  title: 'Source is silent',
  version: RULE_VERSION,
  ruleSet: 'built-in',
  author: 'Tocsin',
  references: [],
  tags: ['attack.defense-evasion', 'attack.t1562.006'],
  techniques: ['T1562.006'],
};
