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

/** What stamps a leaf. */
export interface LeafSpec {
  readonly needles: readonly { readonly anchor: NeedleAnchor; readonly text: string; readonly isSure: boolean }[];
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
    const key = JSON.stringify([field, needles.map(({ anchor, text, isSure }) => `${anchor} ${isSure} ${text}`).sort(), triggers]);
    const known = this.#leafOf.get(key);
    if (known !== undefined) return known;
    const leaf = this.leaves.push(field) - 1;
    this.#leafOf.set(key, leaf);
    for (const { anchor, text, isSure } of needles) {
      // Zero separates values: in their text it is a byte that UTF-8 never has.
      const bytes = this.#encoder.encode(text).map((byte) => (byte === 0 ? 0xff : byte));
      this.needles.push({ field, anchor, bytes, leaf, isSure });
    }
    for (const { on, isSure } of triggers) this.triggers.push({ field, on, leaf, isSure });
    return leaf;
  }
}
