/** The frame codec: round trips, limits, and hostile bytes, which end in `bus.bad_frame` and nothing else. */
import { type FrameRecord, type FrameView, isTocsinError } from '@tocsin/core';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { frameRecord, goldenFields, goldenRecords } from '../../test/frame-fixture.ts';
import { crc32c } from './crc32c.ts';
import { encodeFrame } from './encode-frame.ts';
import { openFrame } from './open-frame.ts';

const attribute = fc.option(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }), { nil: undefined });
const anyRecord: fc.Arbitrary<FrameRecord> = fc.record({
  id: fc.string({ unit: 'grapheme', maxLength: 30 }),
  source: fc.constantFrom('a', 'b', 'ç'),
  type: fc.string({ unit: 'grapheme', maxLength: 10 }),
  schemaVersion: fc.integer({ min: 1, max: 4_000_000_000 }),
  timeMs: fc.integer({ min: -8.64e15, max: 8.64e15 }),
  receivedMs: fc.integer({ min: 0, max: 8.64e15 }),
  severity: fc.constantFrom(0, 1, 2, 3, 4, 5, 6),
  classUid: fc.nat(),
  activityId: fc.nat(),
  mapping: fc.constantFrom('x', '__proto__', ''),
  attributes: fc.record({ 'device.hostname': attribute, status: attribute }).map(({ status, ...rest }) => ({
    ...(rest['device.hostname'] === undefined ? {} : { 'device.hostname': rest['device.hostname'] }),
    ...(status === undefined ? {} : { status }),
  })),
  flags: fc.subarray(['time_missing', 'time_clamped', 'tenant_claim', 'id_conflict', 'secret_found', 'schema_invalid'] as const),
  subject: attribute,
  correlationId: attribute,
  causationId: attribute,
  traceparent: attribute,
  producerId: fc.boolean(),
  record: fc.uint8Array({ maxLength: 300 }),
});

describe('encodeFrame and openFrame', { timeout: 60_000 }, () => {
  it('give back every record as it was', () => {
    fc.assert(
      fc.property(fc.array(anyRecord, { minLength: 1, maxLength: 60 }), (records) => {
        const view = openFrame(encodeFrame(goldenFields, records), { tenant: 'acme' });
        expect(allEvents(view)).toEqual(records.map((record) => plain({ ...record, tenant: 'acme' })));
        const { bytes, starts, ends } = view.records();
        for (const [i, { record }] of records.entries()) expect(Buffer.compare(bytes.subarray(starts[i], ends[i]), record)).toBe(0);
        expect(view.header.minTimeMs).toBe(Math.min(...records.map((record) => record.timeMs)));
        expect(view.header.maxTimeMs).toBe(Math.max(...records.map((record) => record.timeMs)));
      }),
      { numRuns: 300 },
    );
  });

  it('write U+FFFD for half a character, also where two halves would meet', () => {
    const view = openFrame(encodeFrame(goldenFields, [frameRecord({ id: 'a\ud83d' }), frameRecord({ id: '\ude00b' })]));
    expect([view.id(0), view.id(1)]).toEqual(['a\ufffd', '\ufffdb']);
  });

  it('give the memory of a body back at once, and open it anew when asked again', () => {
    const records = Array.from({ length: 100 }, (_, i) => frameRecord({ id: `r${i}`, record: Buffer.alloc(1000, `${i}`) }));
    const view = openFrame(encodeFrame(goldenFields, records));
    const before = allEvents(view);
    const [record, { bytes }] = [view.record(7), view.records()];
    view.release();
    expect([record.length, bytes.length]).toEqual([0, 0]);
    expect(allEvents(view)).toEqual(before);
    expect(records.map((one) => one.record.length)).toEqual(records.map(() => 1000));
  });

  it('take one block of memory for a body, not one for what might still come as well', () => {
    const records = Array.from({ length: 100 }, (_, i) => frameRecord({ id: `r${i}`, record: Buffer.alloc(1000, `${i}`) }));
    const view = openFrame(encodeFrame(goldenFields, records));
    const allocate = vi.spyOn(Buffer, 'allocUnsafe');
    view.records();
    const large = allocate.mock.calls.filter(([bytes]) => bytes > 50_000);
    allocate.mockRestore();
    expect(large).toHaveLength(1);
  });

  it('leave the message alone when a body that lies in it is given back', () => {
    const message = encodeFrame(goldenFields, goldenRecords);
    const view = openFrame(message);
    const before = allEvents(view);
    view.release();
    expect(message.length).toBeGreaterThan(0);
    expect(allEvents(view)).toEqual(before);
  });

  it('take exactly the limits', () => {
    const full = Array.from({ length: 512 }, () => frameRecord({ record: new Uint8Array(512) }));
    expect(openFrame(encodeFrame(goldenFields, full)).header.count).toBe(512);
    const big = frameRecord({ record: crypto.getRandomValues(new Uint8Array(65_536)) });
    const alone = frameRecord({ record: Buffer.concat(Array.from({ length: 16 }, () => big.record)) });
    expect(Buffer.compare(openFrame(encodeFrame(goldenFields, [alone])).record(0), alone.record)).toBe(0);
    for (const records of [
      [...full, frameRecord()],
      [...full.slice(1), frameRecord({ record: new Uint8Array(513) })],
      [frameRecord({ record: new Uint8Array(1_048_577) })],
    ]) {
      expect(codeOf(() => encodeFrame(goldenFields, records))).toBe('bus.too_large');
    }
  });

  it('refuse a frame of another tenant', () => {
    const bytes = encodeFrame(goldenFields, goldenRecords);
    expect(codeOf(() => openFrame(bytes, { tenant: 'evil' }))).toBe('bus.bad_frame');
    expect(openFrame(bytes, { tenant: 'acme' }).header.tenant).toBe('acme');
  });

  it('refuse an index that the frame does not have', () => {
    const view = openFrame(encodeFrame(goldenFields, goldenRecords));
    for (const index of [-1, 2, Number.NaN]) expect(() => view.id(index)).toThrow(RangeError);
  });
});

describe('a reader of hostile bytes', { timeout: 60_000 }, () => {
  const compressed = encodeFrame(
    goldenFields,
    Array.from({ length: 200 }, (_, i) => frameRecord({ id: `${i}`, record: Buffer.from(`{"i":${i},"t":"${'x'.repeat(80)}"}`) })),
  );
  const plainFrame = encodeFrame(goldenFields, goldenRecords);

  it('refuses every flipped bit, or reads the same', () => {
    for (const bytes of [compressed, plainFrame]) {
      const want = allEvents(openFrame(bytes));
      fc.assert(
        fc.property(fc.nat({ max: bytes.length * 8 - 1 }), (bit) => {
          const damaged = Uint8Array.from(bytes);
          damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7));
          expect(readOrCode(damaged)).toSatisfy(
            (result: unknown) => result === 'bus.bad_frame' || JSON.stringify(result) === JSON.stringify(want),
          );
        }),
        { numRuns: 2000 },
      );
    }
  });

  it('refuses or reads damage under a fitting checksum, and throws nothing else', () => {
    for (const bytes of [compressed, plainFrame]) {
      fc.assert(
        fc.property(
          fc.array(fc.tuple(fc.nat({ max: bytes.length - 13 }), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 }),
          (changes) => {
            const damaged = Uint8Array.from(bytes);
            for (const [at, value] of changes) damaged[at + 12] = value;
            expect(readOrCode(resealed(damaged))).toSatisfy((result: unknown) => result === 'bus.bad_frame' || Array.isArray(result));
          },
        ),
        { numRuns: 2000 },
      );
    }
  });

  it('refuses every truncation and any other bytes', () => {
    for (let length = 0; length < plainFrame.length; length++) expect(readOrCode(plainFrame.slice(0, length))).toBe('bus.bad_frame');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(readOrCode(bytes)).toBe('bus.bad_frame');
      }),
    );
  });

  it('does not allocate what a prelude claims', () => {
    const bomb = Uint8Array.from(compressed);
    // Columns stated at their limit: the stream holds less, so the stated length is a lie that costs 2 MiB at most.
    new DataView(bomb.buffer).setUint32(20, 2 * 1024 * 1024, true);
    expect(readOrCode(resealed(bomb))).toBe('bus.bad_frame');
    new DataView(bomb.buffer).setUint32(20, 0xffffffff, true);
    expect(codeOf(() => openFrame(resealed(bomb)))).toBe('bus.bad_frame');
  });

  it('skips a column and a flag that it does not know', () => {
    const extra = withUnknownColumn(plainFrame);
    expect(readOrCode(extra)).toEqual(allEvents(openFrame(plainFrame)));
  });
});

describe('crc32c', () => {
  it('gives the values of RFC 3720 appendix B.4', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
  });
});

function allEvents(view: FrameView): object[] {
  return Array.from({ length: view.header.count }, (_, i) => plain(view.event(i)));
}

function plain<T extends { record: Uint8Array }>(event: T): object {
  return { ...event, record: Buffer.from(event.record).toString('hex') };
}

function readOrCode(bytes: Uint8Array): object[] | string {
  let events: object[] = [];
  const code = codeOf(() => {
    events = allEvents(openFrame(bytes));
  });
  return code ?? events;
}

/** Code of the Tocsin error that `act` throws; anything else is thrown on. */
function codeOf(act: () => unknown): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (isTocsinError(error)) return error.code;
    throw error;
  }
}

function resealed(bytes: Uint8Array): Uint8Array {
  new DataView(bytes.buffer).setUint32(8, crc32c(bytes.subarray(12)), true);
  return bytes;
}

/** The same frame with an unknown flag and, before its columns, one of tag 999. */
function withUnknownColumn(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const bodyStart = 64 + view.getUint32(16, true);
  const column = Buffer.from('e703000003000000aabbcc', 'hex');
  const result = Uint8Array.from(Buffer.concat([bytes.subarray(0, bodyStart), column, bytes.subarray(bodyStart)]));
  const out = new DataView(result.buffer);
  out.setUint32(12, view.getUint32(12, true) | 0x80, true);
  out.setUint32(20, view.getUint32(20, true) + column.length, true);
  out.setUint32(28, view.getUint32(28, true) + column.length, true);
  return resealed(result);
}
