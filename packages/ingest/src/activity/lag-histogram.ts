/** Lags of events as a small histogram that forgets slowly: a median within 10 %, in constant memory. What a lag is, is the caller's. */

/** Buckets of a factor of 2^(1/4) each, from 1 ms up to more than 30 years. */
const BUCKETS = 160;
const PER_OCTAVE = 4;
/** At this many samples all counts are halved, so that the newest weigh most. */
const HALVE_AT = 2048;

/** Lags in milliseconds; what is below one counts as none. */
export class LagHistogram {
  readonly #counts = new Uint16Array(BUCKETS);
  #total = 0;

  add(lagMs: number): void {
    const bucket = lagMs < 1 ? 0 : Math.min(BUCKETS - 1, 1 + Math.floor(Math.log2(lagMs) * PER_OCTAVE));
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#total += 1;
    if (this.#total >= HALVE_AT) this.#halve();
  }

  /** Half of the lags are at most this, milliseconds; undefined while there are none. */
  get medianMs(): number | undefined {
    if (this.#total === 0) return undefined;
    let seen = 0;
    const at = this.#counts.findIndex((count) => (seen += count) * 2 >= this.#total);
    return at === 0 ? 0 : Math.round(2 ** ((at - 0.5) / PER_OCTAVE));
  }

  #halve(): void {
    this.#total = 0;
    for (let at = 0; at < BUCKETS; at++) {
      const halved = (this.#counts[at] as number) >> 1;
      this.#counts[at] = halved;
      this.#total += halved;
    }
  }
}
