export type * from './alert.ts';
export { type Clock, systemClock } from './clock.ts';
export {
  createDedupFold,
  type DedupEvent,
  type DedupFold,
  type DedupOptions,
  type DedupVerdict,
  MAX_CONTENTS_PER_ID,
} from './dedup-fold.ts';
export type { ErrorRow, ErrorTable, Retry } from './errors/error-row.ts';
export type * from './event.ts';
export type * from './frame-view.ts';
export { fnv1a, hashParts, partitionOf, sha256Hex } from './hash.ts';
export { createKeyHash, type Fingerprint, type HashKey, type Identity, type KeyHash } from './key-hash.ts';
export { type Closable, createScope, type Scope, type ScopeOptions } from './lifecycle.ts';
export { createLineSplitter, type Line, type LineLimits, type LineSplitter } from './line-splitter.ts';
export type { Fields, LogSource } from './log-source.ts';
export type * from './match.ts';
export { messageOf } from './message-of.ts';
export { LOG_SOURCE_WORD, type LogSourceName, mappingOfName, namedLogSource, nameMapping } from './named-log-source.ts';
export type { EventPosition, Position } from './position.ts';
export type { RecordBatch } from './record-batch.ts';
export { createScanner, type Scanner, type ScannerOptions, type ScanProgram } from './scan/create-scanner.ts';
export { MAX_SPELLED_PARTS } from './scan/encode-keys.ts';
export { encodeProgram } from './scan/encode-program.ts';
export type { ProgramImage } from './scan/image-memory.ts';
export { decodeImage, encodeImage } from './scan/program-image.ts';
export type * from './scan/scan-plan.ts';
export { wasmApi } from './scan/web-assembly.ts';
export { Secret } from './secret.ts';
export { nearestName } from './setting/nearest-name.ts';
export { parseBytes, parseDuration } from './setting/units.ts';
export type { SeverityScheme } from './severity.data.ts';
export { isSeverityId, type SeverityId, type SigmaLevel, scoreOf, severityFrom, severityFromScore, severityTo } from './severity.ts';
export { sourceKey } from './source-key.ts';
export {
  memberRange,
  readJsonObject,
  type Split,
  type SplitFailure,
  type SplitLimits,
  splitJsonArray,
  splitJsonObject,
  splitMemberArray,
} from './split-json-array.ts';
export { decodeToken, encodeToken, MAX_NAME_BYTES } from './subject-token.ts';
export { tenantKey } from './tenant-key.ts';
export { type ErrorCode, type ErrorDetails, errorTable, isTocsinError, TocsinError } from './tocsin-error.ts';
export { createUlidGenerator } from './ulid.ts';
