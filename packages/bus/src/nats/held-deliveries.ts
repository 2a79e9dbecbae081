/** What a member of a group was given and has not settled: its size, and until when the server counts it as the member's. */

/** One delivery held. */
export interface Held {
  readonly bytes: number;
  /** Of performance.now. */
  dueMs: number;
}

/** The deliveries of one member. */
export interface HeldDeliveries {
  readonly messages: number;
  readonly bytes: number;
  add(bytes: number): Held;
  /** Restarts its ack wait. */
  extend(held: Held): void;
  /** Whether its ack wait has not ended yet. */
  isHeld(held: Held): boolean;
  release(held: Held): void;
  /** Forgets all and stops the timer. */
  clear(): void;
}

/** Holds nothing yet. `onRoom` is called whenever something was released, also when its ack wait has ended; then `onExpired` before. */
export function createHeldDeliveries(
  ackWaitMs: number,
  { onRoom, onExpired }: { readonly onRoom: () => void; readonly onExpired: () => void },
): HeldDeliveries {
  /** In the order of their due times, since all wait equally long. */
  const all = new Set<Held>();
  let bytes = 0;
  let timer: NodeJS.Timeout | undefined;

  function drop(held: Held): boolean {
    if (!all.delete(held)) return false;
    bytes -= held.bytes;
    return true;
  }
  function arm(): void {
    clearTimeout(timer);
    const [oldest] = all;
    timer = oldest === undefined ? undefined : setTimeout(expire, Math.max(1, oldest.dueMs - performance.now()));
  }
  function expire(): void {
    const now = performance.now();
    for (const held of all) if (held.dueMs <= now) drop(held);
    arm();
    onExpired();
    onRoom();
  }
  return {
    get messages() {
      return all.size;
    },
    get bytes() {
      return bytes;
    },
    add(size) {
      const held = { bytes: size, dueMs: performance.now() + ackWaitMs };
      all.add(held);
      bytes += size;
      if (timer === undefined) arm();
      return held;
    },
    extend(held) {
      if (!all.delete(held)) return;
      held.dueMs = performance.now() + ackWaitMs;
      all.add(held);
    },
    // By the clock too: the timer is late where a handler has kept the event loop.
    isHeld: (held) => all.has(held) && held.dueMs > performance.now(),
    release(held) {
      if (!drop(held)) return;
      if (all.size === 0) arm();
      onRoom();
    },
    clear() {
      clearTimeout(timer);
      all.clear();
      bytes = 0;
    },
  };
}
