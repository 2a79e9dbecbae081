/** What a mapping says, as data: read from a file (`mapping-file.ts`), made fast by `compile-mapping.ts`. */
import type { HotAttribute, SeverityId, SeverityScheme } from '@tocsin/core';
import type { TimeFormat } from './event-time.ts';

/** A value of a field that a condition asks for; text is compared without regard to case. */
export type ConditionValue = string | number | boolean;

/** One field's condition: one of some values, or merely there or not. */
export type Condition =
  | { readonly field: string; readonly anyOf: readonly ConditionValue[] }
  | { readonly field: string; readonly exists: boolean };

/** Where a time may stand, and how it is written; `any` goes by looks. */
export interface TimeSource {
  readonly from: string;
  readonly as: TimeFormat;
}

/** Where a severity may stand and whose words it is in; or a severity as such. */
export type SeveritySource = { readonly from: string; readonly scheme: SeverityScheme } | { readonly value: SeverityId };

/** Where an attribute's value may stand; or a fixed value under conditions. */
export type AttributeSource = { readonly from: string } | { readonly value: ConditionValue; readonly when: readonly Condition[] };

/** One mapping, shape and family merged in. Sources are tried in order, the first that gives something counts. */
export interface MappingSpec {
  readonly id: string;
  readonly version: number;
  readonly formats: readonly string[];
  readonly when: readonly Condition[];
  readonly product: string | undefined;
  readonly services: readonly string[];
  readonly categories: readonly string[];
  readonly aliases: Readonly<Record<string, readonly string[]>>;
  readonly prefixes: readonly string[];
  readonly time: readonly TimeSource[];
  readonly severity: readonly SeveritySource[];
  readonly classUid: number;
  readonly activityId: number;
  readonly attributes: Readonly<Partial<Record<HotAttribute, readonly AttributeSource[]>>>;
  /** Further attributes of the full OCSF object, by path; read when the object is wanted, not when the record comes in. */
  readonly ocsf: Readonly<Record<string, readonly AttributeSource[]>>;
  /** Fields whose hidden text is undone in the OCSF object, as enrichments. */
  readonly decoded: readonly string[];
  readonly entity: readonly HotAttribute[];
  /** Lists of fields whose values together make the producer's event id. */
  readonly eventId: readonly (readonly string[])[];
}

/** A test that a mapping file carries. */
export interface MappingTest {
  readonly path: string;
  readonly name: string;
  readonly format: string;
  /** The record's text. */
  readonly record: string;
  readonly receivedMs: number;
  readonly expect: Readonly<Record<string, unknown>>;
}
