/** Keeps an inbox from growing for ever: what can no longer be delivered again is forgotten, at once and every day. */
import type { Clock } from '@tocsin/core';
import type { Inbox } from '@tocsin/store';

const DAY_MS = 86_400_000;
/** Deliveries are remembered for longer than the bus keeps what could be delivered again. */
const REMEMBERED_MS = 31 * DAY_MS;

/** Prunes until disposed. What fails is told, and tried again a day later. */
export function pruneDaily(
  inbox: Pick<Inbox, 'prune'>,
  { clock, onTrouble }: { readonly clock: Clock; readonly onTrouble: (error: unknown, what: string) => void },
): Disposable {
  const prune = (): void => {
    try {
      inbox.prune(clock.nowMs() - REMEMBERED_MS);
    } catch (error) {
      onTrouble(error, 'forgetting old deliveries of sinks');
    }
  };
  prune();
  const timer = setInterval(prune, DAY_MS);
  timer.unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
