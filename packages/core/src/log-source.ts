/**
 * Log sources: what a mapping says about the records it reads, in Sigma's words, so that rules find their events.
 * Made by the mappings (ingest), used by the rule compiler (detect).
 */

/** A record's fields as decoded: JSON values by the source's own field names. Own keys only; never trust its prototype. */
export type Fields = Readonly<Record<string, unknown>>;

/** The Sigma log source of one mapping, and where its records keep the fields that rules name. */
export interface LogSource {
  /** Id of the mapping, such as `windows.sysmon.process_creation`. */
  readonly mapping: string;
  readonly product?: string | undefined;
  /** Every service and category whose rules apply: a Sysmon 1 event belongs to service `sysmon` and category `process_creation`. */
  readonly services: readonly string[];
  readonly categories: readonly string[];
  /** Field name in a rule → paths in the record, tried in order. A name not listed is looked up as written, then under each of `prefixes`. */
  readonly aliases: Readonly<Record<string, readonly string[]>>;
  /** Path prefixes under which fields may lie, such as `winlog.event_data.`. */
  readonly prefixes: readonly string[];
  /** Present where every record is one JSON object whose members are its fields, but for records that have one of the members in `unless`. */
  readonly jsonObjects?: { readonly unless: readonly string[] } | undefined;
  /** Hot attribute that names the entity which plain hits are grouped by, first one present: such as `device.hostname`. */
  readonly entity: readonly string[];
}
