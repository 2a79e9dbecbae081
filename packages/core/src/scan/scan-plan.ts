/**
 * What a scanner is asked to find: fields of records, needles in their text, and for each rule the condition under which the record is
 * a candidate. Knows nothing of rule languages; whoever makes a plan answers for its meaning.
 */

/** How a needle stands in a value. */
export type NeedleAnchor = 'inside' | 'prefix' | 'suffix' | 'exact';

/** Text sought in a field's values. ASCII letters are compared without case, unless they are to be `cased`. */
export interface ScanNeedle {
  readonly field: number;
  readonly anchor: NeedleAnchor;
  /** UTF-8, ASCII letters in lower case, 0 written as 0xff; not empty unless `exact`. */
  readonly bytes: Uint8Array;
  /** The same in the case in which it must stand; not for fields that are whole records, and for at least two bytes. Without it any case will do. */
  readonly cased?: Uint8Array | undefined;
  readonly leaf: number;
  /** Whether the leaf holds where the needle is found, or only may hold. */
  readonly isSure: boolean;
}

/** Properties of a value that stamp a leaf without a needle: any scalar, bytes beyond ASCII, such a dash of `windash`. */
export type ValueTrigger = 'value' | 'wide' | 'dash';

/** A leaf that a value's property stamps. */
export interface ScanTrigger {
  readonly field: number;
  readonly on: ValueTrigger;
  readonly leaf: number;
  readonly isSure: boolean;
}

/** A field: paths in the record, as keys joined by dots in every way they may be written; the first path that is there counts. No path: the whole record as it stands. */
export interface ScanField {
  readonly paths: readonly string[];
}

/** When a record is a candidate. A leaf not stamped does not hold; a stamp that is not sure cannot tell. */
export type ScanCondition =
  | { readonly kind: 'leaf'; readonly leaf: number }
  | { readonly kind: 'exists' | 'null'; readonly field: number }
  | { readonly kind: 'maybe' | 'never' }
  | { readonly kind: 'not'; readonly operand: ScanCondition }
  | { readonly kind: 'and' | 'or'; readonly operands: readonly ScanCondition[] }
  | { readonly kind: 'atLeast'; readonly count: number; readonly operands: readonly ScanCondition[] };

/** A plan. Leaves, fields and rules are numbered from 0. Values whose text is not certain stamp every leaf of their field as "cannot tell". */
export interface ScanPlan {
  readonly fields: readonly ScanField[];
  /** Keys of the record itself that make it unusual: every rule must judge it. */
  readonly unusualKeys: readonly string[];
  /** Field of each leaf. */
  readonly leaves: readonly number[];
  readonly needles: readonly ScanNeedle[];
  readonly triggers: readonly ScanTrigger[];
  readonly rules: readonly ScanCondition[];
}
