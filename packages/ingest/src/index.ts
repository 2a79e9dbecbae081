/** What others import of ingest. */
export { decoders, type FormatName, fieldsOf, isFormat } from './decoders/decoders.ts';
export { type DecodedRecord, type DecodeLimits, defaultDecodeLimits, type RecordDecoder } from './decoders/record-decoder.ts';
export type { Mapped } from './mappings/compile-mapping.ts';
export { loadMappings, type MappingSet } from './mappings/mapping-set.ts';
export { type MappingTestFailure, runMappingTests } from './mappings/mapping-tests.ts';
export { readShippedMappings } from './mappings/shipped-mappings.ts';
