/** Which mapping an event would get if it came in by a source of format `auto`, and its fields as the mapping's decoder reads them. */
import type { Fields } from '@tocsin/core';
import { decoders, defaultDecodeLimits, isFormat, type MappingSet } from '@tocsin/ingest';

/** An event as rules see it. */
export interface RoutedEvent {
  readonly fields: Fields;
  readonly mapping: string;
  /** Its bytes, as a source would keep them. */
  readonly record: Uint8Array;
}

/** Events of one record, or of an envelope of several; a record that cannot be read gives its reason. `forced` names the mapping instead of its looks. */
export function routeRecord(mappings: MappingSet, record: Uint8Array, forced?: string): (RoutedEvent | { readonly refused: string })[] {
  const format = forced === undefined ? 'auto' : (mappings.formatOf(forced) ?? 'auto');
  const decoder = decoders[isFormat(format) ? format : 'auto'];
  return decoder.decode(record, defaultDecodeLimits).map((decoded) => {
    if ('rejected' in decoded) return { refused: decoded.reason };
    return {
      fields: decoded.fields,
      record: decoded.record,
      mapping: forced ?? mappings.map(formatOf(decoded), decoded.fields, 0).mapping,
    };
  });
}

/** The mapping of an event given as fields, such as in a rule's tests; undefined where it is no single record. */
export function mappingOfFields(mappings: MappingSet, event: Fields): string | undefined {
  const [routed, second] = routeRecord(mappings, Buffer.from(JSON.stringify(event)));
  return routed !== undefined && second === undefined && 'mapping' in routed ? routed.mapping : undefined;
}

/** Tests of a line format give the fields that its decoder makes of a line, not the line. */
function formatOf({ format, fields }: { format: string; fields: Fields }): string {
  return format === 'json' && Object.hasOwn(fields, 'program') ? 'linux-auth' : format;
}
