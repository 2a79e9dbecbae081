/**
 * Event-time watermarks of one partition's sources: how far each source's time has come. Advanced by events,
 * and by the clock while a source is idle, so that absence can be noticed. That the machine's clock is set makes nobody idle. The matcher writes them down; folds only read,
 * and allow for late events behind them.
 */

/** A source holds nobody back and is no longer followed after this long, milliseconds. */
const FORGET_AFTER_MS = 86_400_000;

interface SourceTime {
  watermarkMs: number;
  /** When it was heard last, by the clock that silence is measured by. */
  heardMs: number;
}

/** What watermarks depend on beside the events. */
export interface WatermarkOptions {
  /** A source that has sent nothing for this long is idle: its watermark follows the clock. Milliseconds. */
  readonly idleAfterMs: number;
  /** Since when sources could be heard; silence before that was ours, not theirs. Milliseconds since 1970; for ever where absent. */
  readonly listeningSinceMs?: number | undefined;
  /**
   * The clock that silence is measured by where the machine's may be set: one that only goes on. Silence then counts from when an event was judged.
   * Absent where time is that of a log.
   */
  readonly steadyMs?: (() => number) | undefined;
}

/** Watermarks by `sourceKey`. */
export class Watermarks {
  readonly #sources = new Map<string, SourceTime>();
  readonly #changed = new Set<string>();
  readonly #idleAfterMs: number;
  readonly #listeningSinceMs: number;
  readonly #steadyMs: (() => number) | undefined;

  constructor({ idleAfterMs, listeningSinceMs = Number.NEGATIVE_INFINITY, steadyMs }: WatermarkOptions) {
    this.#idleAfterMs = idleAfterMs;
    this.#listeningSinceMs = listeningSinceMs;
    this.#steadyMs = steadyMs;
  }

  /** Takes note of an event. Watermarks never go back. */
  observe(source: string, watermarkMs: number, receivedMs: number): void {
    const known = this.#sources.get(source);
    const heardMs = this.#heardMs(receivedMs);
    if (!known) {
      this.#sources.set(source, { watermarkMs, heardMs });
      this.#changed.add(source);
      return;
    }
    if (heardMs > known.heardMs) known.heardMs = heardMs;
    if (watermarkMs > known.watermarkMs) {
      known.watermarkMs = watermarkMs;
      this.#changed.add(source);
    }
  }

  /** Takes over what an earlier owner of the partition had written down. */
  restore(watermarks: Readonly<Record<string, number>>, writtenMs: number): void {
    for (const [source, watermarkMs] of Object.entries(watermarks)) {
      const known = this.#sources.get(source);
      if (!known || known.watermarkMs < watermarkMs) this.#sources.set(source, { watermarkMs, heardMs: this.#heardMs(writtenMs) });
    }
  }

  /** Moves idle sources on to the clock; true when there is any. */
  tick(nowMs: number): boolean {
    let idle = false;
    const steadyMs = this.#steadyMs?.() ?? nowMs;
    for (const [source, time] of this.#sources) {
      const silentMs = steadyMs - time.heardMs;
      if (silentMs > FORGET_AFTER_MS) this.#sources.delete(source);
      else if (silentMs > this.#idleAfterMs && nowMs > time.watermarkMs) {
        time.watermarkMs = nowMs;
        this.#changed.add(source);
        idle = true;
      }
    }
    return idle;
  }

  #heardMs(receivedMs: number): number {
    return this.#steadyMs?.() ?? Math.max(receivedMs, this.#listeningSinceMs);
  }

  /** What has moved since the last call. */
  takeChanged(): Record<string, number> {
    const changed: Record<string, number> = {};
    for (const source of this.#changed) {
      const time = this.#sources.get(source);
      if (time) changed[source] = time.watermarkMs;
    }
    this.#changed.clear();
    return changed;
  }

  /** Every source followed: what a tick writes, so that a new owner finds idle sources too. */
  all(): Record<string, number> {
    this.#changed.clear();
    return Object.fromEntries([...this.#sources].map(([source, time]) => [source, time.watermarkMs]));
  }
}
