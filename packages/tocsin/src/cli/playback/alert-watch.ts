/** Following alerts while events are sent: which appeared, and how long after the event that made them was received. */
import type { Alert } from '@tocsin/core';
import type { ApiClient } from '../api-client.ts';

/** An alert watch that is following. Disposing it ends the following. */
export interface AlertWatch extends AsyncDisposable {
  /** Alerts that appeared since it began, as they last were, by id. */
  readonly alerts: ReadonlyMap<string, Alert>;
  /** How many changes of alerts have come. */
  readonly changes: number;
  /** Per alert that appeared: arrival here − receipt of the event that made it, milliseconds, in order of appearance. Both on one machine's clock. */
  readonly latenciesMs: readonly number[];
  /** Resolves when `enough` holds, checked at every alert, or after `patienceMs`: whether it does. */
  until(enough: () => boolean, patienceMs: number, signal: AbortSignal): Promise<boolean>;
  /** Takes in every change stored by now behind a position (null: all), also those that have not come yet; without times. */
  catchUp(since: string | null, signal: AbortSignal): Promise<void>;
}

/** What is watched. */
export interface WatchOptions {
  /** Which alerts count; others are let pass. */
  readonly accept: (alert: Alert) => boolean;
  /** Told each alert at its first appearance. */
  readonly onNew: (alert: Alert) => void;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
}

/** Resolves when alerts are followed: none that is stored afterwards is missed. */
export async function watchAlerts(api: ApiClient, { accept, onNew, nowMs }: WatchOptions): Promise<AlertWatch> {
  const alerts = new Map<string, Alert>();
  const latenciesMs: number[] = [];
  const checks = new Set<() => void>();
  let changes = 0;
  const leaving = new AbortController();
  const take = (alert: Alert, isTimed: boolean): void => {
    const known = alerts.get(alert.id);
    // What was read by a catch-up may come once more.
    if (!accept(alert) || (known !== undefined && known.foldRevision > alert.foldRevision)) return;
    changes += 1;
    alerts.set(alert.id, alert);
    if (known === undefined && alert.foldRevision === 1) {
      if (isTimed) latenciesMs.push(nowMs() - alert.receivedMs);
      onNew(alert);
    }
    for (const check of checks) check();
  };
  const following = await follow(api, leaving.signal, (alert) => take(alert, true));
  return {
    alerts,
    latenciesMs,
    get changes() {
      return changes;
    },
    until: (enough, patienceMs, signal) =>
      waitUntil(enough, AbortSignal.any([signal, leaving.signal, AbortSignal.timeout(Math.ceil(patienceMs))]), checks),
    async catchUp(since, signal) {
      for await (const alert of api.lines<Alert>(`/tail/alerts?from=${since ?? 'first'}&end=now`, { signal })) take(alert, false);
    },
    async [Symbol.asyncDispose]() {
      leaving.abort();
      await following.ended;
    },
  };
}

async function follow(api: ApiClient, signal: AbortSignal, take: (alert: Alert) => void): Promise<{ ended: Promise<void> }> {
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
  const run = async (): Promise<void> => {
    try {
      for await (const alert of api.lines<Alert>('/tail/alerts', { signal, ready: resolve })) take(alert);
    } catch (error) {
      // Before it follows that is the caller's error. Later the list of alerts still tells what was found; only times are missing.
      if (!signal.aborted) reject(error);
    }
  };
  const ended = run();
  await ready;
  return { ended };
}

function waitUntil(enough: () => boolean, over: AbortSignal, checks: Set<() => void>): Promise<boolean> {
  return new Promise((resolve) => {
    const check = (): void => {
      if (!enough() && !over.aborted) return;
      checks.delete(check);
      over.removeEventListener('abort', check);
      resolve(enough());
    };
    checks.add(check);
    over.addEventListener('abort', check);
    check();
  });
}
