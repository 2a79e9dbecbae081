/** Chunks of Windows event logs (`.evtx`) as records: bytes in, fields out. How a file is cut into chunks is its reader's affair. */
import type { Fields } from '@tocsin/core';
import { readEventXml } from './event-xml.ts';
import { type LibraryChunk, type LibraryRecord, openLibraryChunk } from './evtx-library.ts';

/** Bytes of the head of an event log. */
export const EVTX_HEAD_BYTES = 4096;
/** Bytes of each chunk behind the head. */
export const EVTX_CHUNK_BYTES = 65_536;

/** What a chunk holds. Every record it says it has is in exactly one of the two. */
export interface EvtxChunk {
  readonly records: readonly { readonly number: number; readonly fields: Fields }[];
  readonly unread: readonly { readonly number: number; readonly reason: string }[];
}

/** Records in one chunk at most: the least is 24 bytes of head and some of content. */
const MAX_RECORDS = 2048;

/** Whether bytes begin as an event log does. */
export function isEvtx(bytes: Uint8Array): boolean {
  return 'ElfFile\0'.split('').every((char, i) => bytes[i] === char.charCodeAt(0));
}

/** Records of a chunk. Never throws on input; a record that cannot be read costs itself, and those behind it only where its length is lost. */
export function readEvtxChunk(bytes: Uint8Array): EvtxChunk {
  const found: Found = { records: [], unread: [] };
  if (bytes.every((byte) => byte === 0)) return found;
  try {
    const chunk = openLibraryChunk(bytes);
    if (chunk.checkMagic()) readRecords(chunk, found);
    else found.unread.push({ number: 0, reason: 'a chunk of the log does not begin as one' });
  } catch (error) {
    if (found.unread.length === 0) found.unread.push({ number: 0, reason: `a chunk of the log is damaged: ${messageOf(error)}` });
  }
  return found;
}

interface Found {
  readonly records: { number: number; fields: Fields }[];
  readonly unread: { number: number; reason: string }[];
}

function readRecords(chunk: LibraryChunk, { records, unread }: Found): void {
  let next = Number(chunk.logFirstRecordNumber());
  const last = Math.min(Number(chunk.logLastRecordNumber()), next + MAX_RECORDS - 1);
  try {
    for (const record of chunk.records()) {
      const number = Number(record.recordNum());
      if (number > last) break;
      next = number + 1;
      const fields = readRecord(record);
      if (typeof fields === 'string') unread.push({ number, reason: fields });
      else records.push({ number, fields });
    }
  } finally {
    // The library ends without a word where a record is damaged: what should have come is told.
    for (; next <= last; next++) unread.push({ number: next, reason: 'it lies behind a damaged record' });
  }
}

function readRecord(record: LibraryRecord): Fields | string {
  try {
    return readEventXml(record.renderXml()) ?? 'its XML is no event';
  } catch (error) {
    return `it is damaged: ${messageOf(error)}`;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.slice(0, 200) : String(error);
}
