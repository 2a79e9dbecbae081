/**
 * Matches remembered for groups that have raised nothing yet, each once however many groups remember it. All are packed at once, while they
 * are at hand (`packed-match.ts`); the latest of those with an excerpt or an explanation are kept as they came as well.
 */
import { weighMatch } from './fold.ts';
import type { RememberedMatch } from './held-match.ts';
import { grown } from './key-table.ts';
import { PackedMatches } from './packed-match.ts';

/** Matches with details that are kept as they came. */
const RECENT = 4096;
/** Stands for a match that does not fit the packed form. */
const UNPACKED = 0xffffffff;
/** What an entry weighs beside what it holds. */
const ENTRY_BYTES = 16;

/** Remembered matches by number. */
export class EvidenceLocker {
  /** Matches as they came; undefined for those that are packed only, and for numbers that are free. */
  readonly #entries: (RememberedMatch | undefined)[] = [];
  readonly #packed: PackedMatches;
  /** Where a packed match begins. */
  #starts = new Uint32Array(0);
  #references = new Uint16Array(0);
  readonly #free: number[] = [];
  #used = 0;
  readonly #recent: (RememberedMatch | undefined)[] = [];
  readonly #recentEntry: number[] = [];
  #next = 0;
  /** The match put last, until its entry is forgotten. */
  #last: RememberedMatch | undefined;
  #lastEntry = -1;
  #bytes = 0;

  /** `keepsValues`: whether older matches keep the values that correlations group by, for correlations above correlations. */
  constructor(keepsValues: boolean) {
    this.#packed = new PackedMatches(keepsValues);
  }

  /** Rough bytes of all that is remembered. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Remembers a match once more; its number. */
  put(match: RememberedMatch): number {
    if (this.#last !== match) {
      this.#lastEntry = this.#enter(match);
      this.#last = match;
    }
    this.#references[this.#lastEntry] = (this.#references[this.#lastEntry] as number) + 1;
    return this.#lastEntry;
  }

  /** What is remembered. */
  get(entry: number): RememberedMatch {
    return this.#entries[entry] ?? this.#packed.unpack(this.#starts[entry] as number);
  }

  /** Forgets a match once; entirely when nobody else remembers it. */
  release(entry: number): void {
    const left = (this.#references[entry] as number) - 1;
    this.#references[entry] = left;
    if (left > 0) return;
    const start = this.#starts[entry] as number;
    this.#bytes -= this.#weigh(entry);
    if (start !== UNPACKED) this.#packed.free(start);
    this.#entries[entry] = undefined;
    if (entry === this.#lastEntry) this.#last = undefined;
    this.#free.push(entry);
  }

  #enter(match: RememberedMatch): number {
    const entry = this.#free.pop() ?? this.#used++;
    if (entry >= this.#references.length) {
      const size = Math.max(64, Math.ceil(1.3 * this.#references.length));
      this.#references = grown(this.#references, new Uint16Array(size));
      this.#starts = grown(this.#starts, new Uint32Array(size));
    }
    this.#references[entry] = 0;
    const start = this.#packed.pack(match);
    this.#starts[entry] = start ?? UNPACKED;
    const hasDetails = match.explanation.length > 0 || match.evidence.excerpt !== undefined;
    this.#entries[entry] = hasDetails || start === undefined ? match : undefined;
    this.#bytes += this.#weigh(entry);
    if (hasDetails) this.#noteRecent(entry, match);
    return entry;
  }

  /** Takes the details away from what is no longer recent. */
  #noteRecent(entry: number, match: RememberedMatch): void {
    const oldest = this.#recent[this.#next];
    const oldestEntry = this.#recentEntry[this.#next] ?? 0;
    if (oldest !== undefined && this.#entries[oldestEntry] === oldest) {
      this.#bytes -= this.#weigh(oldestEntry);
      const { excerpt: _left, ...evidence } = oldest.evidence;
      this.#entries[oldestEntry] = this.#starts[oldestEntry] === UNPACKED ? { ...oldest, evidence, explanation: [] } : undefined;
      this.#bytes += this.#weigh(oldestEntry);
    }
    this.#recent[this.#next] = match;
    this.#recentEntry[this.#next] = entry;
    this.#next = (this.#next + 1) % RECENT;
  }

  #weigh(entry: number): number {
    const match = this.#entries[entry];
    const start = this.#starts[entry] as number;
    return ENTRY_BYTES + (start === UNPACKED ? 0 : this.#packed.weigh(start)) + (match === undefined ? 0 : weighMatch(match));
  }
}
