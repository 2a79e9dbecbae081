/**
 * Reading a frame: `openFrame` checks the prelude, the checksum and the metadata; the body is decompressed when first asked
 * for, and a column read when first asked for. Hostile bytes end in `bus.bad_frame`, at opening or at the first question, and
 * never make a reader allocate more than the limits of `frame-layout.ts`. Writing is in `encode-frame.ts`.
 */
import { zstdDecompressSync } from 'node:zlib';
import { type FrameHeader, type Lane, TocsinError } from '@tocsin/core';
import { crc32c } from './crc32c.ts';
import { createFrameView, type OpenedFrame } from './frame-body.ts';
import {
  FLAG_ZSTD,
  MAGIC,
  MAX_COLUMNS_BYTES,
  MAX_EVENT_BYTES,
  MAX_FRAME_EVENTS,
  MAX_METADATA_BYTES,
  PRELUDE,
  VERSION,
} from './frame-layout.ts';
import { freeBytes } from './free-bytes.ts';
import { readInt64, readUint32 } from './int64.ts';

/** What the reader knows about a frame from elsewhere, such as from its subject. */
export interface ExpectedFrame {
  readonly tenant?: string | undefined;
}

/** A frame for reading; views into `bytes` where it is not compressed. @throws bus.bad_frame here, or on reading what the damage hides */
export function openFrame(bytes: Uint8Array, expected: ExpectedFrame = {}): OpenedFrame {
  const refuse = (reason: string, cause?: unknown): TocsinError =>
    new TocsinError('bus.bad_frame', { reason, bytes: bytes.length }, { cause });
  const prelude = readPrelude(bytes, refuse);
  const bodyStart = PRELUDE.size + prelude.metadataBytes;
  const header = readHeader(bytes.subarray(PRELUDE.size, bodyStart), prelude, refuse);
  if (expected.tenant !== undefined && expected.tenant !== header.tenant) throw refuse('its header names another tenant than its subject');
  const stored = bytes.subarray(bodyStart);
  const plainBytes = prelude.columnsBytes + prelude.recordsBytes;
  let plain: Uint8Array | undefined;
  return createFrameView({
    header,
    columnsBytes: prelude.columnsBytes,
    recordsBytes: prelude.recordsBytes,
    body() {
      if ((prelude.flags & FLAG_ZSTD) === 0) return stored;
      plain = decompress(stored, plainBytes, refuse);
      return plain;
    },
    release() {
      if (plain !== undefined) freeBytes(plain, chunkOf(plainBytes));
      plain = undefined;
    },
    refuse,
  });
}

interface Prelude {
  readonly flags: number;
  readonly metadataBytes: number;
  readonly columnsBytes: number;
  readonly recordsBytes: number;
  readonly count: number;
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
  readonly ordinal: number;
}

type Refuse = (reason: string, cause?: unknown) => TocsinError;

function readPrelude(bytes: Uint8Array, refuse: Refuse): Prelude {
  if (bytes.length < PRELUDE.size) throw refuse('it is shorter than a prelude');
  if (readUint32(bytes, PRELUDE.magic) !== MAGIC) throw refuse('it does not begin with TOCF');
  const version = readUint32(bytes, PRELUDE.version);
  if (version !== VERSION) throw refuse(`it has version ${version}, this program reads version ${VERSION}`);
  if (readUint32(bytes, PRELUDE.crc) !== crc32c(bytes.subarray(PRELUDE.covered))) throw refuse('its checksum does not fit its content');
  const prelude = {
    flags: readUint32(bytes, PRELUDE.flags),
    metadataBytes: readUint32(bytes, PRELUDE.metadataBytes),
    columnsBytes: readUint32(bytes, PRELUDE.columnsBytes),
    recordsBytes: readUint32(bytes, PRELUDE.recordsBytes),
    count: readUint32(bytes, PRELUDE.count),
    minTimeMs: readInt64(bytes, PRELUDE.minTimeMs),
    maxTimeMs: readInt64(bytes, PRELUDE.maxTimeMs),
    ordinal: readInt64(bytes, PRELUDE.ordinal),
  };
  checkLengths(bytes, prelude, refuse);
  return prelude;
}

function checkLengths(bytes: Uint8Array, prelude: Prelude, refuse: Refuse): void {
  const bodyBytes = readUint32(bytes, PRELUDE.bodyBytes);
  if (prelude.count < 1 || prelude.count > MAX_FRAME_EVENTS) throw refuse(`it claims ${prelude.count} events`);
  if (prelude.metadataBytes > MAX_METADATA_BYTES) throw refuse('its metadata is too long');
  if (prelude.columnsBytes > MAX_COLUMNS_BYTES || prelude.recordsBytes > MAX_EVENT_BYTES) throw refuse('its sections are too long');
  if (PRELUDE.size + prelude.metadataBytes + bodyBytes !== bytes.length) throw refuse('its section lengths do not add up to its length');
  const plain = (prelude.flags & FLAG_ZSTD) === 0;
  if (plain && bodyBytes !== prelude.columnsBytes + prelude.recordsBytes) throw refuse('its body has another length than its sections');
}

function readHeader(bytes: Uint8Array, prelude: Prelude, refuse: Refuse): FrameHeader {
  const fields = parseMetadata(bytes, refuse);
  const text = (name: string): string => {
    const value = fields[name];
    if (typeof value !== 'string') throw refuse(`its metadata has no ${name}`);
    return value;
  };
  const lane = text('lane');
  const partition = fields['partition'];
  if (lane !== 'live' && lane !== 'bulk') throw refuse('its lane is unknown');
  if (typeof partition !== 'number' || !Number.isSafeInteger(partition) || partition < 0) throw refuse('its partition is no number');
  if (fields['key'] !== null && fields['key'] !== undefined) throw refuse('it is sealed');
  const { ordinal, count, minTimeMs, maxTimeMs } = prelude;
  return {
    id: text('id'),
    tenant: text('tenant'),
    lane: lane satisfies Lane,
    partition,
    epoch: text('epoch'),
    ordinal,
    count,
    minTimeMs,
    maxTimeMs,
    site: text('site'),
  };
}

function parseMetadata(bytes: Uint8Array, refuse: Refuse): Readonly<Record<string, unknown>> {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw refuse('its metadata is no JSON', cause);
  }
  if (typeof value !== 'object' || value === null) throw refuse('its metadata is no object');
  return value as Readonly<Record<string, unknown>>;
}

/** One byte more than there will be: of a chunk that is just full, Node's zlib takes another of the same size. */
function chunkOf(plainBytes: number): number {
  return Math.max(plainBytes + 1, 64);
}

function decompress(stored: Uint8Array, plainBytes: number, refuse: Refuse): Uint8Array {
  let plain: Uint8Array;
  try {
    // One chunk of the stated length: a bomb is stopped there, and what was stated is bounded already.
    plain = zstdDecompressSync(stored, { maxOutputLength: Math.max(plainBytes, 1), chunkSize: chunkOf(plainBytes) });
  } catch (cause) {
    throw refuse('its body cannot be decompressed', cause);
  }
  if (plain.length !== plainBytes) throw refuse('its body has another length than stated');
  return plain;
}
