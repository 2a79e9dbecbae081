/**
 * Taking over what a catch-up has found: its states, folded on to where its note stands on MATCHES, in place of those that had missed a
 * part. Done by each correlator at the same place of the log, so that whoever folds the log again ends with the same.
 */
import type { ReplayLog, StateBucket } from '@tocsin/bus';
import { type Alert, type CatchUpNote, type LogSource, type Position, TocsinError } from '@tocsin/core';
import type { OwnsKey } from '@tocsin/detect';
import { statesKey } from '../catchup/catch-up-job.ts';
import { catchUpRules } from '../catchup/catch-up-rules.ts';
import { Refold } from '../catchup/refold.ts';
import { getChunked } from '../state/chunked-value.ts';
import { MATCHES_FILTER } from '../subjects.ts';
import { parseStep } from './partition-progress.ts';
import type { TenantFolds } from './tenant-folds.ts';

/** What states are taken over with. */
export interface TakeOverGround {
  readonly log: Pick<ReplayLog, 'read'>;
  readonly catchUps: StateBucket;
  readonly logSources: readonly LogSource[];
  readonly owns: OwnsKey | undefined;
  readonly onTrouble: (error: unknown, what: string) => void;
  readonly signal: AbortSignal;
}

/** Changes the folds; resolves with the alerts that the steps between the states and the note have changed. Where the states are gone, nothing changes. */
export async function takeOverStates(
  folds: TenantFolds,
  { note, at }: { readonly note: CatchUpNote; readonly at: Position },
  { log, catchUps, logSources, owns, onTrouble, signal }: TakeOverGround,
): Promise<Alert[]> {
  const { job, tenant, revision, upTo } = note;
  const states = await getChunked(catchUps, statesKey(job, upTo));
  if (states === undefined) {
    onTrouble(new TocsinError('catchup.states_gone', { id: job }), 'taking over the states of a catch-up');
    return [];
  }
  const rules = catchUpRules(folds.rules, tenant, { ids: note.rules.map(({ id }) => id), logSources });
  const refold = new Refold({ rules, tenant, revision, states, owns });
  const changed = new Map<string, Alert>();
  for await (const stored of log.read(MATCHES_FILTER, { after: upTo }, { until: at, signal })) {
    if (stored.position === at) break;
    for (const alert of refold.advance(parseStep(stored))) changed.set(alert.id, alert);
  }
  folds.adopt(refold.encode(), { tenant, ruleIds: refold.targets });
  return [...changed.values()];
}
