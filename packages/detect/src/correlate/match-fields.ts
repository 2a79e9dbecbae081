/** The fields that folds read of the match at hand: many correlations ask the same match for the same field, and each is read and hashed once. */
import type { FoldMatch } from './held-match.ts';
import { hashText, joinHashes } from './value-hash.ts';

/** One field of the match that was asked about last. */
class MatchField {
  readonly #name: string;
  #match: FoldMatch | undefined;
  #value: string | undefined;
  /** Of the value; negative until it is asked for. */
  #hash = -1;

  constructor(name: string) {
    this.#name = name;
  }

  /** Its value; undefined where the match carries none. */
  valueOf(match: FoldMatch): string | undefined {
    if (match !== this.#match) this.#read(match);
    return this.#value;
  }

  /** Hash of its value; undefined where the match carries none. */
  hashOf(match: FoldMatch): number | undefined {
    if (match !== this.#match) this.#read(match);
    if (this.#value === undefined) return undefined;
    if (this.#hash < 0) this.#hash = hashText(this.#value);
    return this.#hash;
  }

  #read(match: FoldMatch): void {
    this.#match = match;
    const value = Object.hasOwn(match.group, this.#name) ? match.group[this.#name] : undefined;
    // One event satisfies several rules, and a host speaks several times in a row: an equal value has an equal hash.
    if (value === this.#value) return;
    this.#value = value;
    this.#hash = -1;
  }
}

/** The fields of a set of folds, by name. */
export class MatchFields {
  readonly #byName = new Map<string, MatchField>();
  #marked: FoldMatch | undefined;
  #mark = 0;
  #position = '';
  #positionHash = 0;

  /**
   * A number for the event of a match, by where it stands in the log: one event that satisfies two of a correlation's rules comes twice in a
   * row. Above 0; two events have the same but for one pair in 2^47, and only neighbours are compared.
   */
  markOf(match: FoldMatch): number {
    if (match === this.#marked) return this.#mark;
    const { position, index } = match.evidence.at;
    if (position !== this.#position || this.#positionHash === 0) {
      this.#position = position;
      this.#positionHash = hashText(position);
    }
    this.#marked = match;
    this.#mark = joinHashes([this.#positionHash, index]) + 1;
    return this.#mark;
  }

  of(name: string): MatchField {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const made = new MatchField(name);
    this.#byName.set(name, made);
    return made;
  }
}
