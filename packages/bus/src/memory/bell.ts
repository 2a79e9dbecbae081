/** Waiting for something to change: whoever waits is woken and looks again. No state of its own but who waits. */

/** A bell that several wait for. */
export class Bell {
  readonly #waiting = new Set<() => void>();

  /** How many wait now. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Wakes everybody who waits now. */
  ring(): void {
    const woken = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of woken) wake();
  }

  /** Resolves at the next ring. Aborting rejects with the signal's reason and leaves nothing behind. */
  wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const wake = (): void => {
        signal.removeEventListener('abort', abort);
        resolve();
      };
      const abort = (): void => {
        this.#waiting.delete(wake);
        reject(signal.reason);
      };
      signal.addEventListener('abort', abort, { once: true });
      this.#waiting.add(wake);
    });
  }
}
