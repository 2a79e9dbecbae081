/**
 * Lets the foreign producers in that CHANGES knows, and nobody else: at the start, after every change, and when a key expires. Only where Tocsin
 * runs the server.
 */
import type { Producer } from '@tocsin/bus/nats';
import type { Clock } from '@tocsin/core';
import type { Registry } from '../registry/registry.ts';
import { inSubject } from '../subjects.ts';
import type { ProducerEntry } from './installation-bus.ts';

/** What the desk works with. */
export interface ProducerDeskOptions {
  readonly entry: ProducerEntry;
  readonly registry: Pick<Registry, 'list' | 'get' | 'onChange'>;
  readonly clock: Clock;
  readonly onTrouble: (error: unknown, what: string) => void;
}

/** The desk. Disposing leaves those in who are. */
export interface ProducerDesk extends AsyncDisposable {
  /** Where producers connect. */
  url(): string;
  /** Resolves when the server knows what CHANGES says by now. @throws server.failed */
  sync(): Promise<void>;
}

/** Longest time a timer is set for: a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;
const AGAIN_AFTER_MS = 1000;

/** Opens the desk. */
export function openProducerDesk({ entry, registry, clock, onTrouble }: ProducerDeskOptions): ProducerDesk {
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;
  let underWay: Promise<void> = Promise.resolve();
  const wakeIn = (ms: number): void => {
    clearTimeout(timer);
    if (!isClosed) timer = setTimeout(syncBeside, Math.min(ms, MAX_TIMER_MS)).unref();
  };
  const sync = (): Promise<void> => {
    const { producers, nextMs } = admitted(registry, clock.nowMs());
    if (nextMs !== undefined) wakeIn(nextMs - clock.nowMs());
    underWay = entry.set(producers);
    return underWay;
  };
  const syncBeside = (): void => {
    sync().catch((error: unknown) => {
      onTrouble(error, 'telling nats-server which producers may come in; it is told again');
      wakeIn(AGAIN_AFTER_MS);
    });
  };
  const unfollow = registry.onChange((kind) => {
    if (kind === 'credential' || kind === 'source') syncBeside();
  });
  syncBeside();
  return {
    url: () => entry.url(),
    sync,
    async [Symbol.asyncDispose]() {
      isClosed = true;
      unfollow();
      clearTimeout(timer);
      await Promise.allSettled([underWay]);
    },
  };
}

/** Who may come in at a time, and when that changes by itself. */
function admitted(registry: Pick<Registry, 'list' | 'get'>, nowMs: number): { producers: Producer[]; nextMs: number | undefined } {
  const producers: Producer[] = [];
  let nextMs: number | undefined;
  for (const { tenant, value } of registry.list('credential')) {
    const { nkey, source, revokedMs, expiresMs } = value;
    if (nkey === undefined || source === undefined || revokedMs !== undefined) continue;
    if (expiresMs !== undefined && expiresMs <= nowMs) continue;
    const registered = registry.get(tenant, 'source', source)?.value;
    if (registered === undefined || registered.revokedMs !== undefined) continue;
    producers.push({ key: nkey, subject: inSubject(tenant, source) });
    if (expiresMs !== undefined) nextMs = Math.min(nextMs ?? expiresMs, expiresMs);
  }
  return { producers, nextMs };
}
