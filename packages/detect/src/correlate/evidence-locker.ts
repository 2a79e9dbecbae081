/**
 * Matches remembered for groups that have raised nothing yet, each once however many groups remember it. The latest are kept as they came;
 * older ones without excerpt and explanation (`packed-match.ts`).
 */
import { weighMatch } from './fold.ts';
import type { RememberedMatch } from './held-match.ts';
import { grown } from './key-table.ts';
import { PackedMatches } from './packed-match.ts';

/** Matches kept as they came. */
const RECENT = 4096;
/** What an entry weighs beside what it holds. */
const ENTRY_BYTES = 16;

/** Remembered matches by number. */
export class EvidenceLocker {
  /** Matches as they came; undefined for those that are packed, and for numbers that are free. */
  readonly #entries: (RememberedMatch | undefined)[] = [];
  readonly #packed: PackedMatches;
  /** Where a packed match begins. */
  #starts = new Uint32Array(0);
  #references = new Uint16Array(0);
  readonly #free: number[] = [];
  readonly #recent: (RememberedMatch | undefined)[] = [];
  readonly #recentEntry: number[] = [];
  #next = 0;
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
    if (this.#last !== match || this.#entries[this.#lastEntry] !== match) {
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
    const match = this.#entries[entry];
    if (match === undefined) {
      const start = this.#starts[entry] as number;
      this.#bytes -= ENTRY_BYTES + this.#packed.weigh(start);
      this.#packed.free(start);
    } else this.#bytes -= ENTRY_BYTES + weighMatch(match);
    this.#entries[entry] = undefined;
    this.#free.push(entry);
  }

  #enter(match: RememberedMatch): number {
    const entry = this.#free.pop() ?? this.#entries.length;
    this.#entries[entry] = match;
    if (entry >= this.#references.length) {
      const size = Math.max(64, Math.ceil(1.3 * this.#references.length));
      this.#references = grown(this.#references, new Uint16Array(size));
      this.#starts = grown(this.#starts, new Uint32Array(size));
    }
    this.#references[entry] = 0;
    this.#bytes += ENTRY_BYTES + weighMatch(match);
    this.#packOldest();
    this.#recent[this.#next] = match;
    this.#recentEntry[this.#next] = entry;
    this.#next = (this.#next + 1) % RECENT;
    return entry;
  }

  /** Makes room for one more recent match. */
  #packOldest(): void {
    const oldest = this.#recent[this.#next];
    const entry = this.#recentEntry[this.#next];
    if (oldest === undefined || entry === undefined || this.#entries[entry] !== oldest) return;
    const start = this.#packed.pack(oldest);
    const { excerpt: _left, ...evidence } = oldest.evidence;
    const lean = { ...oldest, evidence, explanation: [] };
    this.#bytes += (start === undefined ? weighMatch(lean) : this.#packed.weigh(start)) - weighMatch(oldest);
    this.#entries[entry] = start === undefined ? lean : undefined;
    this.#starts[entry] = start ?? 0;
  }
}
