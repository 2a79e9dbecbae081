/**
 * The alerts of a catch-up: the newest state of each until it is written, and what there was of it before. Alerts that were right are not
 * written again; of those that there were none of the origin is `catch-up`, whatever has counted towards them since.
 */
import type { ReplayLog } from '@tocsin/bus';
import type { Alert } from '@tocsin/core';
import { type AlertWriter, parseAlert } from '../duties/alert-writer.ts';
import { alertSubject } from '../subjects.ts';
import { type AlertOutcome, type CatchUpAlerts, type FoundAlert, groupOf } from './catch-up-job.ts';

/** Alerts held before the ones that have not changed for longest are written. */
const MAX_HELD = 4000;
/** Alerts written in one go at the end. */
const PORTION = 200;

/** The alerts found so far. */
export class CaughtUpAlerts {
  readonly #log: Pick<ReplayLog, 'last'>;
  readonly #writer: Pick<AlertWriter, 'write'>;
  /** By id, those changed last at the end. */
  readonly #held = new Map<string, Alert>();
  readonly #found = new Map<string, FoundAlert>();

  constructor(log: Pick<ReplayLog, 'last'>, writer: Pick<AlertWriter, 'write'>) {
    this.#log = log;
    this.#writer = writer;
  }

  /** Everything found, written or not. */
  get found(): readonly FoundAlert[] {
    return [...this.#found.values()];
  }

  /** What is still to be written. */
  get held(): readonly Alert[] {
    return [...this.#held.values()];
  }

  /** What came of those written. */
  counts(): Omit<CatchUpAlerts, 'superseded'> {
    const counts = { raised: 0, changed: 0, confirmed: 0 };
    for (const { outcome } of this.#found.values()) if (outcome !== undefined) counts[outcome] += 1;
    return counts;
  }

  /** Goes on from before. */
  restore(held: readonly Alert[], found: readonly FoundAlert[]): void {
    for (const alert of held) this.#held.set(alert.id, alert);
    for (const one of found) this.#found.set(one.id, one);
  }

  /** Takes changes. */
  async take(alerts: readonly Alert[]): Promise<void> {
    for (const alert of alerts) {
      this.#held.delete(alert.id);
      this.#held.set(alert.id, alert);
      const { id, rule, groupBy, firstMs, lastMs } = alert;
      const outcome = this.#found.get(id)?.outcome;
      this.#found.set(id, { id, ruleId: rule.id, group: groupOf(groupBy), firstMs, lastMs, outcome });
    }
    if (this.#held.size <= MAX_HELD) return;
    const oldest = [...this.#held.values()].slice(0, this.#held.size - MAX_HELD / 2);
    await this.#write(oldest);
  }

  /** Writes everything held, portion by portion; `onPortion` is awaited before each. */
  async write(onPortion: () => Promise<void>): Promise<void> {
    while (this.#held.size > 0) {
      await onPortion();
      await this.#write([...this.#held.values()].slice(0, PORTION));
    }
  }

  async #write(alerts: readonly Alert[]): Promise<void> {
    const changes: Alert[] = [];
    for (const alert of alerts) {
      const stored = await this.#log.last(alertSubject(alert.tenant, alert.id));
      const before = stored && parseAlert(stored);
      const outcome = outcomeOf(before, alert);
      const found = this.#found.get(alert.id);
      if (found !== undefined && found.outcome !== 'raised') this.#found.set(alert.id, { ...found, outcome });
      if (before !== undefined && outcome === 'confirmed') continue;
      changes.push({ ...alert, origin: before?.origin ?? 'catch-up', changedBy: 'catch-up' });
    }
    await this.#writer.write(changes);
    for (const { id } of alerts) this.#held.delete(id);
  }
}

/** One that this catch-up has written before it was ended is told by its revision. */
function outcomeOf(before: Alert | undefined, alert: Alert): AlertOutcome {
  if (before === undefined || (before.origin === 'catch-up' && before.foldRevision === alert.foldRevision)) return 'raised';
  const isSame =
    before.count === alert.count &&
    before.firstMs === alert.firstMs &&
    before.lastMs === alert.lastMs &&
    before.rule.version === alert.rule.version &&
    before.supersededBy === undefined;
  return isSame ? 'confirmed' : 'changed';
}
