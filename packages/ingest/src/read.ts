/** What reads records and nothing more: decoders, mappings in force, rows, event logs. Loads neither listeners, doors nor YAML, so that a command over files starts at once. */
import type { MappingSet } from './mappings/compile-mappings.ts';
import type { MappingText } from './mappings/mapping-set.ts';

export { decoders, type FormatName, fieldsOf, isFormat, jsonObjectsOf } from './decoders/decoders.ts';
export { createFieldsReader, type FieldsReader } from './decoders/fields-reader.ts';
export { defaultDecodeLimits } from './decoders/record-decoder.ts';
export { EVTX_CHUNK_BYTES, EVTX_HEAD_BYTES, isEvtx, readEvtxChunk } from './evtx/evtx-chunk.ts';
export type { Mapped } from './mappings/compile-mapping.ts';
export { compileMappings, type MappingSet } from './mappings/compile-mappings.ts';
export type { MappingSpec } from './mappings/mapping-spec.ts';
export { readShippedMappings } from './mappings/shipped-mappings.ts';
export { createRecordRouter, type RecordRouter } from './route/record-router.ts';
export { type CsvHead, readCsvEvents, sniffCsv } from './rows/csv-rows.ts';
export { looksLikeZeek, NO_ZEEK_HEAD, readZeekHead, readZeekLine, type ZeekLog } from './rows/zeek-rows.ts';
export { cutOf } from './stream/sniffing-stream.ts';
export { unpacked, unpackerOf, unpackThrough } from './stream/unpack.ts';
export { asUtf8, wideMarkOf } from './stream/utf8-text.ts';

/** Mapping files in force; what reads them is loaded for it. @throws mapping.bad_file */
export async function mappingsOf(files: readonly MappingText[]): Promise<MappingSet> {
  const { loadMappings } = await import('./mappings/mapping-set.ts');
  return loadMappings(files);
}
