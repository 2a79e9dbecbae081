/** The fields that folds read of the match at hand: many correlations ask the same match for the same field, and each is read and hashed once. */
import type { FoldMatch } from './held-match.ts';
import { hashText } from './value-hash.ts';

/** One field of the match that was asked about last. */
export class MatchField {
  readonly #name: string;
  #match: FoldMatch | undefined;
  #value: string | undefined;
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
    this.#value = Object.hasOwn(match.group, this.#name) ? match.group[this.#name] : undefined;
    this.#hash = -1;
  }
}

/** The fields of a set of folds, by name. */
export class MatchFields {
  readonly #byName = new Map<string, MatchField>();

  of(name: string): MatchField {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const made = new MatchField(name);
    this.#byName.set(name, made);
    return made;
  }
}
