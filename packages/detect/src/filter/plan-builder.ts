/** Collects the fields, leaves, needles and triggers of a plan; equal ones become one, so that all rules share them. */
import {
  type LogSource,
  MAX_SPELLED_PARTS,
  type NeedleAnchor,
  type ScanField,
  type ScanNeedle,
  type ScanTrigger,
  type ValueTrigger,
} from '@tocsin/core';
import { pathsOf } from '../compile/field-reader.ts';

/** Text that stamps a leaf: in any case of its ASCII letters, or in its own only. */
export interface LeafNeedle {
  readonly anchor: NeedleAnchor;
  readonly text: string;
  readonly isCased?: boolean | undefined;
  readonly isSure: boolean;
}

/** What stamps a leaf. */
export interface LeafSpec {
  readonly needles: readonly LeafNeedle[];
  readonly triggers: readonly { readonly on: ValueTrigger; readonly isSure: boolean }[];
}

/** Builder of one plan. */
export class PlanBuilder {
  readonly fields: ScanField[] = [];
  readonly leaves: number[] = [];
  readonly needles: ScanNeedle[] = [];
  readonly triggers: ScanTrigger[] = [];
  readonly #logSource: LogSource;
  readonly #fieldOf = new Map<string, number>();
  readonly #leafOf = new Map<string, number>();
  readonly #encoder = new TextEncoder();

  constructor(logSource: LogSource) {
    this.#logSource = logSource;
  }

  /** Field by the name that rules use, without one the whole record; undefined where its paths have too many spellings. */
  field(name: string | undefined): number | undefined {
    const paths = name === undefined ? [] : [...new Set(pathsOf(name, this.#logSource))];
    if (paths.some((path) => path.split('.').length > MAX_SPELLED_PARTS)) return undefined;
    const key = JSON.stringify(paths);
    const known = this.#fieldOf.get(key);
    if (known !== undefined) return known;
    this.#fieldOf.set(key, this.fields.length);
    return this.fields.push({ paths }) - 1;
  }

  /** Leaf that these needles and triggers stamp. */
  leaf(field: number, { needles, triggers }: LeafSpec): number {
    const key = leafKey(field, needles, triggers);
    const known = this.#leafOf.get(key);
    if (known !== undefined) return known;
    const leaf = this.leaves.push(field) - 1;
    this.#leafOf.set(key, leaf);
    for (const { anchor, text, isCased, isSure } of needles) {
      const bytes = this.#bytesOf(isCased === true ? lowerAscii(text) : text);
      const cased = isCased === true ? this.#bytesOf(text) : undefined;
      this.needles.push({ field, anchor, bytes, ...(cased === undefined ? {} : { cased }), leaf, isSure });
    }
    for (const { on, isSure } of triggers) this.triggers.push({ field, on, leaf, isSure });
    return leaf;
  }

  /** Zero separates values: in their text it is a byte that UTF-8 never has. Nearly all texts are ASCII, and short: encoding them one by one would cost more than all else. */
  #bytesOf(text: string): Uint8Array {
    const bytes = new Uint8Array(text.length);
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) return this.#encoder.encode(text).map((byte) => (byte === 0 ? 0xff : byte));
      bytes[i] = code === 0 ? 0xff : code;
    }
    return bytes;
  }
}

function leafKey(field: number, needles: LeafSpec['needles'], triggers: LeafSpec['triggers']): string {
  const sought = needles.map(({ anchor, text, isCased, isSure }) => `${anchor} ${isCased === true} ${isSure} ${text.length} ${text}`);
  return `${field} ${sought.sort().join('\n')}\n\n${triggers.map(({ on, isSure }) => `${on} ${isSure}`).join('\n')}`;
}

function lowerAscii(text: string): string {
  return text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}
