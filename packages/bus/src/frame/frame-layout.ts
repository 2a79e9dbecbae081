/**
 * The numbers of frame version 1 that writer and reader share: offsets of the prelude, tags of the columns, limits.
 * What they mean is docs/reference/wire.md; numbers here are never reused for something else.
 */
import type { EventFlag, HotAttribute } from '@tocsin/core';

/** `TOCF` as a little-endian number. */
export const MAGIC = 0x46434f54;
/** The one version that is written and read here. */
export const VERSION = 1;

/** Byte offsets of the prelude's fields, all little-endian. */
export const PRELUDE = {
  magic: 0,
  version: 4,
  crc: 8,
  /** First byte that the checksum covers. */
  covered: 12,
  flags: 12,
  metadataBytes: 16,
  columnsBytes: 20,
  recordsBytes: 24,
  bodyBytes: 28,
  count: 32,
  reserved: 36,
  minTimeMs: 40,
  maxTimeMs: 48,
  ordinal: 56,
  size: 64,
} as const;

/** Bit of `flags`: columns and records are one zstd stream. */
export const FLAG_ZSTD = 1;

/** Most events in a frame. */
export const MAX_FRAME_EVENTS = 512;
/** Most record bytes in a frame of more than one event. */
export const MAX_FRAME_BYTES = 256 * 1024;
/** Largest event; above `MAX_FRAME_BYTES` it travels alone. */
export const MAX_EVENT_BYTES = 1024 * 1024;
/** Largest columns section; readers refuse more before they allocate. */
export const MAX_COLUMNS_BYTES = 2 * 1024 * 1024;
/** Largest metadata. */
export const MAX_METADATA_BYTES = 64 * 1024;
/** Body size from which on it is compressed. */
export const COMPRESS_FROM_BYTES = 8 * 1024;

/** Tags of the columns. */
export const TAG = {
  recordEnds: 1,
  id: 2,
  source: 3,
  mapping: 4,
  type: 5,
  timeMs: 6,
  receivedMs: 7,
  producerId: 8,
  flags: 9,
  severity: 10,
  classUid: 11,
  activityId: 12,
  schemaVersion: 13,
  subject: 14,
  correlationId: 15,
  causationId: 16,
  traceparent: 17,
} as const;

/** Tag of each hot attribute's column. */
export const ATTRIBUTE_TAGS: readonly (readonly [HotAttribute, number])[] = [
  ['device.hostname', 64],
  ['actor.user.name', 65],
  ['src_endpoint.ip', 66],
  ['dst_endpoint.ip', 67],
  ['process.file.path', 68],
  ['api.operation', 69],
  ['status', 70],
];

/** Bit of each event flag, by index. */
export const FLAG_BITS: readonly EventFlag[] = [
  'time_missing',
  'time_clamped',
  'tenant_claim',
  'id_conflict',
  'secret_found',
  'schema_invalid',
];
