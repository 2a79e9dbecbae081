/** The correlations of a hunt: all matches they count, in order of event time, through the folds; alerts as they last were. */
import type { Alert, Match, MatchStep } from '@tocsin/core';
import type { CompiledRules } from '@tocsin/detect/judge';
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

/**
 * Tells `onAlert` each alert once, as it was at the end. Resolves with the number of events at which each correlation that raises alerts
 * was found to hold, by its id.
 */
export async function correlateMatches(
  compiled: CompiledRules,
  matches: AsyncIterable<Match>,
  onAlert: (alert: Alert) => void | Promise<void>,
): Promise<ReadonlyMap<string, number>> {
  const correlations = compiled.folds.filter((fold) => fold.kind !== 'grouping');
  if (correlations.length === 0) return new Map();
  const { createFoldSet } = await import('@tocsin/detect');
  // Not a copy: what else a rule set can tell is worked out when it is asked for, and not wanted here.
  const folds = createFoldSet(Object.create(compiled, { folds: { value: correlations } }) as CompiledRules);
  const alerts = new Map<string, Alert>();
  const keep = async (changed: readonly Alert[]): Promise<void> => {
    for (const alert of changed) {
      alerts.delete(alert.id);
      alerts.set(alert.id, alert);
    }
    while (alerts.size > MOST_ALERTS) await tellFirst(alerts, onAlert);
  };
  let step: Match[] = [];
  for await (const match of matches) {
    step.push(match);
    if (step.length < STEP_MATCHES) continue;
    await keep(folds.advance(stepOf(step, compiled.ruleSetHash), 'catch-up'));
    step = [];
  }
  if (step.length > 0) await keep(folds.advance(stepOf(step, compiled.ruleSetHash), 'catch-up'));
  await keep(folds.finish('catch-up'));
  while (alerts.size > 0) await tellFirst(alerts, onAlert);
  const silent = new Set(compiled.folds.flatMap((fold) => (fold.kind === 'correlation' && fold.isSilent ? [fold.meta.id] : [])));
  return new Map([...folds.heldEvents()].filter(([id, count]) => count > 0 && !silent.has(id)));
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
