/** An input as batches ready to be sent: lines of any kind, one JSON value over many lines, the elements of a JSON array, or rows. */
import { splitJsonArray, TocsinError } from '@tocsin/core';
import { cutOf } from '@tocsin/ingest';
import { type Batch, BatchCutter, type BatchLimits, firstLine, JSON_TYPE } from './batch-cutter.ts';
import type { Input } from './open-input.ts';
import { rowBatches } from './row-batches.ts';

/** Most bytes of a JSON array, which is read as a whole; of one line or JSON value, which is what the door takes. */
const MAX_ARRAY_BYTES = 256 * 1024 * 1024;
const MAX_VALUE_BYTES = 15 * 1024 * 1024;
/** How much of an input is looked at to see what it is. */
const LOOK_BYTES = 64 * 1024;

type Shape = 'lines' | 'value' | 'array';

/** How an input is read. */
export interface ReadLimits extends BatchLimits {
  /** Its source reads lines of its own format, which are never rows of CSV and the like, whatever they look like. */
  readonly isLines?: boolean | undefined;
}

/** How inputs are cut whose records the door cannot tell from lines. */
const ROWS: ReadonlySet<string> = new Set(['csv', 'zeek', 'w3c', 'evtx', 'journal']);

/** The batches of an input, in its order. `onHead` is told the first line, which the keys of all batches are made with. @throws cli.unreadable */
export async function* readBatches(input: Input, limits: ReadLimits, onHead: (line: Uint8Array) => void): AsyncGenerator<Batch> {
  const chunks = input.bytes[Symbol.asyncIterator]();
  const head = await readAtLeast(chunks, LOOK_BYTES);
  const start = head.findIndex((byte) => !isSpace(byte));
  if (start === -1) return;
  onHead(firstLine(head.subarray(start)));
  const rest = { [Symbol.asyncIterator]: () => chunks };
  const shape = shapeOf(Buffer.from(head.subarray(start)).toString());
  if (shape === 'lines' && limits.isLines !== true && ROWS.has(cutOf(head, 'auto'))) yield* rowBatches(prepend([head, rest]), limits);
  else if (shape === 'lines') yield* readLines(input, [head, rest], limits);
  else if (shape === 'value')
    yield { bytes: await readWhole(input, [head, rest], MAX_VALUE_BYTES), contentType: JSON_TYPE, records: 1, offset: 0, line: 1 };
  else yield* readArray(input, [head, rest], limits);
}

type Bytes = readonly [head: Uint8Array, rest: AsyncIterable<Uint8Array>];

/** What an input is, by how it begins. What looks like neither value nor array is taken as lines and judged by the door. */
export function shapeOf(head: string): Shape {
  if (/^\[\s*[[{\]]/.test(head)) return 'array';
  if (!head.startsWith('{')) return 'lines';
  const [line = '', next] = head.split(/\r?\n/);
  if (next === undefined || isJson(line) || next.startsWith('{')) return 'lines';
  return 'value';
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false; // the one thing that JSON.parse throws for: no JSON
  }
}

async function* readLines(input: Input, [head, rest]: Bytes, limits: BatchLimits): AsyncGenerator<Batch> {
  const isObject = head.find((byte) => !isSpace(byte)) === 0x7b;
  const cutter = new BatchCutter(isObject ? 'application/x-ndjson' : 'text/plain', limits);
  yield* cutter.push(head);
  for await (const chunk of rest) {
    yield* cutter.push(chunk);
    if (cutter.heldBytes > MAX_VALUE_BYTES) throw tooLong(input, `line ${cutter.line}`, MAX_VALUE_BYTES);
  }
  yield* cutter.end();
}

async function* prepend([head, rest]: Bytes): AsyncGenerator<Uint8Array> {
  yield head;
  yield* rest;
}

async function* readArray(input: Input, bytes: Bytes, limits: BatchLimits): AsyncGenerator<Batch> {
  const whole = await readWhole(input, bytes, MAX_ARRAY_BYTES);
  const split = splitJsonArray(whole, { maxDepth: Number.POSITIVE_INFINITY, maxPieces: Number.POSITIVE_INFINITY });
  if (split.failure !== undefined) {
    throw new TocsinError('cli.unreadable', {
      path: input.name,
      reason: `its JSON array breaks off at byte ${split.failure.at} (${split.failure.reason})`,
    });
  }
  const { ranges } = split;
  for (let i = 0; i < ranges.length; ) {
    const from = i;
    const start = ranges[from] ?? 0;
    // At least one element, however long.
    do i += 2;
    while (i < ranges.length && (ranges[i + 1] ?? 0) - start <= limits.maxBytes && (i - from) / 2 < limits.maxRecords);
    const elements = whole.subarray(start, ranges[i - 1]);
    yield {
      bytes: Buffer.concat([Buffer.from('['), elements, Buffer.from(']')]),
      contentType: JSON_TYPE,
      records: (i - from) / 2,
      offset: start,
      line: from / 2 + 1,
    };
  }
}

async function readWhole(input: Input, [head, rest]: Bytes, maxBytes: number): Promise<Uint8Array> {
  const parts = [head];
  let size = head.length;
  for await (const chunk of rest) {
    size += chunk.length;
    if (size > maxBytes) throw tooLong(input, 'its JSON', maxBytes);
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}

async function readAtLeast(chunks: AsyncIterator<Uint8Array>, bytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (let size = 0; size < bytes; ) {
    const { value, done } = await chunks.next();
    if (done) break;
    parts.push(value);
    size += value.length;
  }
  return Buffer.concat(parts);
}

function tooLong(input: Input, what: string, maxBytes: number): TocsinError {
  return new TocsinError('cli.unreadable', {
    path: input.name,
    reason: `${what} is longer than ${maxBytes} bytes; one record per line has no such limit`,
  });
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;
}
