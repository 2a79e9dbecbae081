/**
 * Keyed fingerprints of (tenant, source, id): 96 bits that nobody without the key can aim at, so that no sender can make an event that
 * passes for another's. After HalfSipHash-1-3 (Aumasson and Bernstein, SipHash: a fast short-input PRF), over UTF-16 units two to a
 * word, with a third word of output drawn as its second is. What is done with them is in `dedup-table.ts`.
 */

/** 64 secret bits. */
export type HashKey = readonly [number, number];

/** Fingerprint of an event's identity. */
export interface Fingerprint {
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

/** What a fingerprint is made of. */
export interface Identity {
  readonly tenant: string;
  readonly source: string;
  readonly id: string;
}

/** A fingerprint that is made anew for each event, without allocating. */
export interface KeyHash extends Fingerprint {
  update(event: Identity): void;
}

/** A fingerprint to be updated. */
export function createKeyHash(key: HashKey): KeyHash {
  const state = new SipState();
  const stem = new SipState();
  let tenant: string | undefined;
  let source: string | undefined;
  const hash = {
    a: 0,
    b: 0,
    c: 0,
    update(event: Identity): void {
      // Events of one source come in runs: its part of the hash is kept.
      if (event.source !== source || event.tenant !== tenant) {
        ({ tenant, source } = event);
        stem.begin(key);
        stem.absorb(tenant);
        stem.absorb(source);
      }
      state.copy(stem);
      state.absorb(event.id);
      hash.a = state.draw(0xee);
      hash.b = state.draw(0xdd);
      hash.c = state.draw(0xbb);
    },
  };
  return hash;
}

/** The four words of HalfSipHash. */
class SipState {
  #v0 = 0;
  #v1 = 0;
  #v2 = 0;
  #v3 = 0;

  begin([k0, k1]: HashKey): void {
    this.#v0 = k0 | 0;
    this.#v1 = k1 ^ 0xee;
    this.#v2 = 0x6c796765 ^ k0;
    this.#v3 = 0x74656462 ^ k1;
  }

  copy(other: SipState): void {
    this.#v0 = other.#v0;
    this.#v1 = other.#v1;
    this.#v2 = other.#v2;
    this.#v3 = other.#v3;
  }

  /** A text and its length: no two lists of texts are absorbed alike. */
  absorb(text: string): void {
    const { length } = text;
    this.#rounds(length, 1);
    for (let i = 0; i < length; i += 2) {
      const high = i + 1 < length ? text.charCodeAt(i + 1) : 0;
      this.#rounds(text.charCodeAt(i) | (high << 16), 1);
    }
  }

  /** A word of output; each with another constant. */
  draw(constant: number): number {
    this.#v2 ^= constant;
    this.#rounds(0, 3);
    return (this.#v1 ^ this.#v3) >>> 0;
  }

  #rounds(word: number, count: number): void {
    let [v0, v1, v2, v3] = [this.#v0, this.#v1, this.#v2, this.#v3 ^ word];
    for (let i = 0; i < count; i++) {
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
    }
    this.#v0 = v0 ^ word;
    this.#v1 = v1;
    this.#v2 = v2;
    this.#v3 = v3;
  }
}
