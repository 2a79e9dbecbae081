/**
 * Reading records at ingest, where only what mappings ask for is needed: most records are checked and their wanted members found without being
 * parsed (`member-selector.ts`); what is unusual takes the long way, which also gives every refusal its reason.
 */
import { decoders, type FormatName } from './decoders.ts';
import { createMemberSelector } from './member-selector.ts';
import type { DecodedRecord, DecodeLimits } from './record-decoder.ts';

/** Reads one record or envelope: as `RecordDecoder.decode` of the format, but accepted records may hold the wanted members only. */
export type RecordReader = (format: FormatName, bytes: Uint8Array, limits: DecodeLimits) => DecodedRecord[];

/** A reader that gives at least the members `wanted` of the first level. */
export function createRecordReader(wanted: Iterable<string>): RecordReader {
  const deciding = Object.values(decoders).flatMap(({ byMembers }) => byMembers?.members ?? []);
  const selector = createMemberSelector(new Set([...wanted, ...deciding]));
  return (format, bytes, limits) => {
    const { byMembers, decode } = decoders[format];
    const fields = byMembers === undefined || bytes[0] !== OPEN_OBJECT ? undefined : selector.select(bytes, limits);
    const record = fields === undefined ? undefined : byMembers?.read(bytes, fields);
    return record === undefined ? decode(bytes, limits) : [record];
  };
}

const OPEN_OBJECT = 0x7b;
