/** The correlations of a hunt: all matches they count, in order of event time, through the folds; alerts as they last were. */
import type { Alert, Match, MatchStep } from '@tocsin/core';
import { type CompiledRules, createFoldSet } from '@tocsin/detect';
import type { JudgeSetup } from './judge-block.ts';

/** Rules whose hits correlations count, and whether those hits are results of their own as well. */
export function memberRules(compiled: CompiledRules): JudgeSetup['members'] {
  const raising = new Set(compiled.folds.filter((fold) => fold.kind === 'grouping').map((fold) => fold.meta.id));
  return new Map([...compiled.groupFields.keys()].map((id) => [id, { isSilent: !raising.has(id) }]));
}

/** Alerts kept to be told at the end; beyond, the oldest are told as they are. */
const MOST_ALERTS = 50_000;
const STEP_MATCHES = 512;
/** The one source of everything: its watermark is the time of the latest match. */
const SOURCE = 'hunt/hunt';

/** Tells `onAlert` each alert once, as it was at the end. */
export async function correlateMatches(
  compiled: CompiledRules,
  matches: AsyncIterable<Match>,
  onAlert: (alert: Alert) => void | Promise<void>,
): Promise<void> {
  const folds = createFoldSet({ ...compiled, folds: compiled.folds.filter((fold) => fold.kind !== 'grouping') });
  const alerts = new Map<string, Alert>();
  const advance = async (step: readonly Match[]): Promise<void> => {
    for (const alert of folds.advance(stepOf(step, compiled.ruleSetHash), 'catch-up')) {
      alerts.delete(alert.id);
      alerts.set(alert.id, alert);
    }
    while (alerts.size > MOST_ALERTS) await tellFirst(alerts, onAlert);
  };
  let step: Match[] = [];
  for await (const match of matches) {
    step.push(match);
    if (step.length < STEP_MATCHES) continue;
    await advance(step);
    step = [];
  }
  if (step.length > 0) await advance(step);
  while (alerts.size > 0) await tellFirst(alerts, onAlert);
}

async function tellFirst(alerts: Map<string, Alert>, onAlert: (alert: Alert) => void | Promise<void>): Promise<void> {
  const [first] = alerts.values();
  if (first === undefined) return;
  alerts.delete(first.id);
  await onAlert(first);
}

function stepOf(matches: readonly Match[], ruleSet: string): MatchStep {
  const watermarkMs = matches.at(-1)?.timeMs ?? Number.NEGATIVE_INFINITY;
  return { partition: 0, epoch: '', read: {}, watermarks: { [SOURCE]: watermarkMs }, ruleSet, judged: 0, duplicates: 0, matches };
}
