/** The spool: what was put comes out once, in order, whatever fails in between, also after the process was killed. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TocsinError } from '@tocsin/core';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RawRecord, RecordResult, Source } from '../../source.ts';
import { ByteGauge } from '../byte-gauge.ts';
import { ContractIntake, eventually } from '../contract/contract-intake.ts';
import { CONTRACT_SOURCE } from '../contract/listener-driver.ts';
import type { ListenerContext } from '../listener.ts';
import { RecordPump } from '../record-pump.ts';
import { ProducerSpool } from './producer-spool.ts';
import { SpoolFiles, writeAll } from './spool-files.ts';
import { decodeFrame, encodeFrame, FRAME_HEAD_BYTES } from './spool-frame.ts';

const SOURCE: Source = { tenant: 'first', name: CONTRACT_SOURCE, format: 'syslog', lane: 'live', shard: '' };
const record = (text: string): RawRecord => ({ bytes: Buffer.from(text) });

let folder = '';
let intake: ContractIntake;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tocsin-spool-'));
  intake = new ContractIntake();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = (maxBytes = 1 << 20, context = intake.context(folder)): Promise<ProducerSpool> =>
  ProducerSpool.open({ context, maxBytes, afterMs: 20 });

function pumpInto(spool: ProducerSpool, context: ListenerContext = intake.context(folder), maxBytes = 1 << 20): RecordPump {
  return new RecordPump({ context, source: () => SOURCE, maxBytes, gauge: new ByteGauge(maxBytes), spool });
}

const numbers = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => `n${from + i}`);
const until = (count: number): Promise<void> =>
  eventually(
    () => intake.stored.length >= count,
    () => `${intake.stored.length} of ${count}; ${intake.troubles[0]}`,
  );

/** A context whose intake is away until it is let in. */
function away(): { context: ListenerContext; letIn: () => void } {
  const context = intake.context(folder);
  let isAway = true;
  const emit: ListenerContext['emit'] = async (...given): Promise<RecordResult[]> => {
    if (isAway) throw new TocsinError('bus.unavailable', { what: 'the bus' } as never);
    return context.emit(...given);
  };
  return { context: { ...context, emit }, letIn: () => void (isAway = false) };
}

test('while nothing can be stored records wait on disk, then come in order before what is new, each once', async () => {
  const { context, letIn } = away();
  await using spool = await open(1 << 20, context);
  await using pump = pumpInto(spool, context);
  for (const text of numbers(0, 50)) pump.push(record(text));
  await pump.idle();
  for (const text of numbers(50, 100)) pump.push(record(text));
  await pump.idle();
  expect([context.counts.waiting, intake.stored.length]).toEqual([100, 0]);
  letIn();
  for (const text of numbers(100, 150)) pump.push(record(text));
  await until(150);
  expect(intake.stored).toEqual(numbers(0, 150));
  await eventually(
    () => spool.isEmpty(SOURCE),
    () => 'an empty spool',
  );
  pump.push(record('direct'));
  await until(151);
  expect([context.counts.records, context.counts.stored, context.counts.duplicate, context.counts.waiting]).toEqual([151, 151, 0, 0]);
  expect(readdirSync(join(folder, 'spool', `first.${CONTRACT_SOURCE}`))).toEqual(['place']);
});

test('what waits of a source that is not registered any more says so, and is given on once it is again, also after a restart', async () => {
  const { context, letIn } = away();
  let isRegistered = true;
  const bound: ListenerContext = {
    ...context,
    boundSource(name) {
      if (isRegistered) return context.boundSource(name);
      throw new TocsinError('listener.source_unknown', { listener: 'syslog/a', source: CONTRACT_SOURCE, tenant: 'first' });
    },
  };
  const heldBy = (code: string) => (): boolean => bound.counts.held.some((one) => one.code === code);
  {
    await using spool = await open(1 << 20, bound);
    await using pump = pumpInto(spool, bound);
    for (const text of numbers(0, 50)) pump.push(record(text));
    await pump.idle();
    await eventually(heldBy('bus.unavailable'), () => `held: ${JSON.stringify(bound.counts.held)}`);
    isRegistered = false;
    letIn();
    await eventually(heldBy('listener.source_unknown'), () => `held: ${JSON.stringify(bound.counts.held)}`);
  }
  bound.counts.held = [];
  await using spool = await open(1 << 20, bound);
  await eventually(heldBy('listener.source_unknown'), () => `held: ${JSON.stringify(bound.counts.held)}`);
  expect(bound.counts.held).toMatchObject([{ source: `first/${CONTRACT_SOURCE}`, records: 50 }]);
  expect([intake.stored, bound.counts.waiting]).toEqual([[], 50]);
  isRegistered = true;
  await until(50);
  expect(intake.stored).toEqual(numbers(0, 50));
  await eventually(
    () => spool.isEmpty(SOURCE),
    () => 'an empty spool',
  );
  expect([bound.counts.held, bound.counts.waiting]).toEqual([[], 0]);
});

test('a slow answer that comes after all is not asked for twice', async () => {
  await using spool = await open();
  await using pump = pumpInto(spool);
  intake.block();
  pump.push(record('slow'));
  await pump.idle();
  expect(intake.counts.waiting).toBe(1);
  intake.release();
  await eventually(
    () => spool.isEmpty(SOURCE),
    () => 'an empty spool',
  );
  expect([intake.stored, intake.emits, intake.counts.stored]).toEqual([['slow'], 1, 1]);
});

test('killed at any moment, what was put is given after the next start, and what was stored already is known by its key', async () => {
  const { context } = away();
  const copy = mkdtempSync(join(tmpdir(), 'tocsin-spool-copy-'));
  {
    await using spool = await open(1 << 20, context);
    await using pump = pumpInto(spool, context);
    for (let i = 0; i < 10; i++) {
      for (const text of numbers(i * 10, i * 10 + 10)) pump.push(record(text));
      await pump.idle();
    }
    // As a kill leaves it: no orderly end.
    cpSync(folder, copy, { recursive: true });
  }
  const context2 = intake.context(copy);
  {
    await using spool = await open(1 << 20, context2);
    await until(100);
    await eventually(
      () => spool.isEmpty(SOURCE),
      () => 'an empty spool',
    );
  }
  expect(intake.stored).toEqual(numbers(0, 100));
  // Counted when they came, and by the process that found them.
  expect(context2.counts.records).toBe(200);
  rmSync(copy, { recursive: true });
});

test('what is full takes no more, what waits then is not lost, and the rest follows', async () => {
  const { context, letIn } = away();
  await using spool = await open(2000, context);
  await using pump = pumpInto(spool, context, 4000);
  let pushed = 0;
  while (!pump.mustWait()) {
    for (let i = 0; i < 5; i++) pump.push(record(`n${pushed++}`));
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  const waiting = context.counts.waiting ?? 0;
  expect(waiting).toBeGreaterThan(0);
  expect(waiting).toBeLessThan(pushed);
  letIn();
  await until(pushed);
  expect(intake.stored).toEqual(numbers(0, pushed));
});

test('a damaged place costs what stood there, counted exactly; half a frame at the end was never put', async () => {
  const path = join(folder, 'line');
  {
    await using files = await SpoolFiles.open(path);
    for (let i = 0; i < 5; i++) await files.put({ key: `k${i}`, receivedMs: 1, records: [record('a'.repeat(3 << 20)), record('b')] });
  }
  const segments = readdirSync(path).filter((name) => name.endsWith('.spool'));
  expect(segments.length).toBe(2);
  const first = readFileSync(join(path, segments[0] ?? ''));
  first[(3 << 20) * 1 + 500_000] = 1;
  writeFileSync(join(path, segments[0] ?? ''), first);
  truncateSync(join(path, segments[1] ?? ''), 4 << 20);
  await using files = await SpoolFiles.open(path);
  const keys: string[] = [];
  let lost = 0;
  for (let oldest = await files.oldest(); oldest !== undefined; oldest = await files.oldest()) {
    keys.push(oldest.batch.key);
    lost += files.takeLost();
    await files.pass(oldest);
  }
  lost += files.takeLost();
  expect([keys, lost]).toEqual([['k0', 'k3'], 4]);
  expect(files.records).toBe(0);
});

test('any record comes back as it was given', () => {
  const text = fc.string({ unit: 'binary' });
  const envelope = fc.record({ id: text, subject: text, timeMs: fc.integer() }, { requiredKeys: [] });
  const raw = fc.record({ bytes: fc.uint8Array(), envelope: fc.option(envelope, { nil: undefined }) });
  fc.assert(
    fc.property(text, fc.array(raw), fc.nat(), (key, records, at) => {
      const wellFormed = { key: key.toWellFormed(), receivedMs: 7, first: 3, records };
      const frame = encodeFrame(wellFormed);
      const [head, body] = [frame.subarray(0, FRAME_HEAD_BYTES), frame.subarray(FRAME_HEAD_BYTES)];
      const back = decodeFrame(head, body);
      expect(back?.key).toBe(wellFormed.key);
      expect(back?.records.map(({ bytes }) => Buffer.from(bytes))).toEqual(records.map(({ bytes }) => Buffer.from(bytes)));
      expect(JSON.stringify(back?.records.map((each) => each.envelope))).toBe(JSON.stringify(records.map((each) => each.envelope)));
      const damaged = Buffer.from(body);
      const place = at % damaged.length;
      damaged[place] = (damaged[place] ?? 0) ^ 1;
      expect(decodeFrame(head, damaged)).toBe(undefined);
    }),
  );
});

test('a file that was begun when the process was killed and holds nothing does not take the next one with it', async () => {
  const path = join(folder, 'files');
  const first = await SpoolFiles.open(path);
  await first.put({ key: 'a', receivedMs: 1, records: [record('one')] });
  const [oldest] = await first.oldestRun(1);
  if (oldest !== undefined) await first.pass(oldest);
  await first[Symbol.asyncDispose]();
  writeFileSync(join(path, '0000000000000001.spool'), 'half a fra');
  await using files = await SpoolFiles.open(path);
  await files.put({ key: 'b', receivedMs: 1, records: [record('two')] });
  await files.put({ key: 'c', receivedMs: 1, records: [record('three')] });
  const run = await files.oldestRun(1 << 20);
  expect(run.flatMap(({ batch }) => batch.records.map(({ bytes }) => Buffer.from(bytes).toString()))).toEqual(['two', 'three']);
  expect(files.takeLost()).toBe(0);
});

test('a frame of which the disk takes a part at a time is written whole, and is not put where it takes no more', async () => {
  const disk = Buffer.alloc(64);
  const taking = (room: number) => ({
    async write(bytes: Uint8Array, from: number, length: number, at: number) {
      const bytesWritten = Math.max(0, Math.min(7, length, room - at));
      disk.set(bytes.subarray(from, from + bytesWritten), at);
      return { bytesWritten, buffer: bytes };
    },
  });
  const frame = Buffer.from('a frame that is longer than seven bytes');
  await writeAll(taking(64) as never, frame, 3);
  expect(disk.subarray(3, 3 + frame.length).toString()).toBe(frame.toString());
  await expect(writeAll(taking(20) as never, frame, 3)).rejects.toThrow('the disk took 17 of 39 bytes');
});
