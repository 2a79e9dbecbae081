/** Golden bytes of a frame, and a decoder written from docs/reference/wire.md alone that reads them. */
import { zstdDecompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { frameRecord, goldenFields, goldenRecords } from '../../test/frame-fixture.ts';
import { GOLDEN_FRAME_HEX } from '../../test/frame-golden.data.ts';
import { encodeFrame } from './encode-frame.ts';
import { openFrame } from './open-frame.ts';

const golden = Buffer.from(GOLDEN_FRAME_HEX, 'hex');

describe('the golden frame', () => {
  it('is what the encoder writes', () => {
    expect(Buffer.from(encodeFrame(goldenFields, goldenRecords)).toString('hex')).toBe(GOLDEN_FRAME_HEX);
  });

  it('is read by the reader', () => {
    const view = openFrame(golden, { tenant: 'acme' });
    expect(view.header).toEqual({
      id: goldenFields.id,
      tenant: 'acme',
      lane: 'live',
      partition: 3,
      epoch: goldenFields.epoch,
      ordinal: 4_294_967_300,
      count: 2,
      minTimeMs: -1,
      maxTimeMs: 1_700_000_000_000,
      site: 'north',
    });
    expect(goldenRecords.map((_record, i) => plain(view.event(i)))).toEqual(
      goldenRecords.map((record) => plain({ ...record, tenant: 'acme' })),
    );
  });

  it('is read by a decoder written from the page', () => {
    const frame = readByThePage(golden);
    expect(frame.metadata).toEqual({
      id: goldenFields.id,
      tenant: 'acme',
      lane: 'live',
      partition: 3,
      epoch: goldenFields.epoch,
      site: 'north',
      hops: [],
      mappings: { 'json.any': '1' },
      compression: 'none',
      key: null,
      signature: null,
    });
    expect(frame.events).toEqual(
      goldenRecords.map((record) => ({
        id: record.id,
        source: record.source,
        type: record.type,
        timeMs: record.timeMs,
        host: record.attributes['device.hostname'],
        flags: record.flags.length === 0 ? 0 : 15,
        producerId: record.producerId,
        record: Buffer.from(record.record).toString(),
      })),
    );
  });
});

describe('a decoder written from the page', () => {
  it('reads a compressed frame', () => {
    const records = Array.from({ length: 300 }, (_, i) =>
      frameRecord({ id: `e-${i}`, timeMs: i, record: Buffer.from(JSON.stringify({ i, text: 'x'.repeat(100) })) }),
    );
    const frame = readByThePage(Buffer.from(encodeFrame({ ...goldenFields, ordinal: 0 }, records)));
    expect(frame.metadata['compression']).toBe('zstd');
    expect(frame.events.map((event) => [event.id, event.timeMs, event.record])).toEqual(
      records.map((record) => [record.id, record.timeMs, String(record.record)]),
    );
  });
});

function plain<T extends { record: Uint8Array }>(event: T): object {
  return { ...event, record: Buffer.from(event.record).toString('hex') };
}

interface PageFrame {
  metadata: Record<string, unknown>;
  events: {
    id: string;
    source: string;
    type: string;
    timeMs: number;
    host: string | undefined;
    flags: number;
    producerId: boolean;
    record: string;
  }[];
}

/** Knows nothing of the codec's code: every number in it is from wire.md. */
function readByThePage(bytes: Buffer): PageFrame {
  expect(bytes.toString('latin1', 0, 4)).toBe('TOCF');
  expect(bytes.readUInt32LE(4)).toBe(1);
  expect(bytes.readUInt32LE(8)).toBe(bitwiseCrc32c(bytes.subarray(12)));
  const metadataBytes = bytes.readUInt32LE(16);
  const columnsBytes = bytes.readUInt32LE(20);
  const count = bytes.readUInt32LE(32);
  const stored = bytes.subarray(64 + metadataBytes);
  expect(stored.length).toBe(bytes.readUInt32LE(28));
  const body = bytes.readUInt32LE(12) & 1 ? zstdDecompressSync(stored) : stored;
  const records = body.subarray(columnsBytes);
  expect(records.length).toBe(bytes.readUInt32LE(24));
  const columns = new Map<number, Buffer>();
  for (let at = 0; at < columnsBytes; ) {
    const length = body.readUInt32LE(at + 4);
    columns.set(body.readUInt16LE(at), body.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  const column = (tag: number): Buffer => columns.get(tag) ?? Buffer.alloc(0);
  const pieces = (ends: Buffer, n: number, data: Buffer): Buffer[] =>
    Array.from({ length: n }, (_, i) => data.subarray(i === 0 ? 0 : ends.readUInt32LE(i * 4 - 4), ends.readUInt32LE(i * 4)));
  const texts = (bytesOf: Buffer, n: number): string[] => pieces(bytesOf, n, bytesOf.subarray(n * 4)).map(String);
  const word = (tag: number, i: number): string | undefined => {
    const dictionary = columns.get(tag);
    if (dictionary === undefined) return undefined;
    const place = dictionary.readUInt16LE(4 + i * 2);
    return place === 0 ? undefined : texts(dictionary.subarray(4 + count * 2), dictionary.readUInt32LE(0))[place - 1];
  };
  const ids = texts(column(2), count);
  const parts = pieces(column(1), count, records);
  return {
    metadata: JSON.parse(bytes.toString('utf8', 64, 64 + metadataBytes)) as Record<string, unknown>,
    events: ids.map((id, i) => ({
      id,
      source: word(3, i) ?? '',
      type: word(5, i) ?? '',
      timeMs: Number(column(6).readBigInt64LE(i * 8)),
      host: word(64, i),
      flags: columns.get(9)?.[i] ?? 0,
      producerId: (((columns.get(8)?.[i >> 3] ?? 0) >> (i & 7)) & 1) === 1,
      record: String(parts[i]),
    })),
  };
}

function bitwiseCrc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  return ~crc >>> 0;
}
