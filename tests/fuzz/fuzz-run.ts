/**
 * Feeds inputs to everything that reads bytes of strangers: each decoder, the record stream in pieces that end anywhere, mappings, the OCSF
 * builder. What may never happen: a throw, a rejection without a reason, an accepted record that reads otherwise the second time, an
 * OCSF object that breaks the schema, an input that takes a second.
 */
import { isDeepStrictEqual } from 'node:util';
import {
  createOcsfBuilder,
  type DecodedRecord,
  decoders,
  defaultDecodeLimits,
  type FormatName,
  loadMappings,
  normaliseRecord,
  openRecordStream,
  readShippedMappings,
  validateOcsf,
} from '@tocsin/ingest';
import { createRandom } from '../seeded-random.ts';
import { type BadInput, badInputs } from './bad-inputs.ts';
import { mutate, type Random } from './mutate.ts';

/** A run: a seed gives the same inputs each time. */
export interface FuzzOptions {
  readonly seed: number;
  /** Mutated inputs; the kept bad inputs come before them. */
  readonly inputs: number;
  /** Told after every so many inputs. */
  readonly onProgress?: ((done: number) => void) | undefined;
}

/** What came of a run. */
export interface FuzzReport {
  readonly seed: number;
  readonly kept: number;
  readonly inputs: number;
  readonly accepted: number;
  readonly rejected: Readonly<Record<string, number>>;
  readonly formats: number;
  readonly mappingsHit: number;
  /** What must not happen: which input, as base64, and what did. The first 20. */
  readonly failures: readonly { readonly what: string; readonly format: string; readonly base64: string }[];
  readonly slowestMs: number;
  readonly peakHeapBytes: number;
}

const MAX_FAILURES = 20;
/** Longest that one input may take, milliseconds of CPU of the process. */
const MAX_MS = 1000;
const FORMATS = Object.keys(decoders) as FormatName[];
const source = { tenant: 't', name: 'fuzz', format: 'auto' as const, lane: 'live' as const, shard: '' };

/** Runs the kept inputs, then the mutated ones. */
export function runFuzz({ seed, inputs, onProgress }: FuzzOptions): FuzzReport {
  const random = createRandom(seed);
  const reader = new FuzzReader(random);
  const kept = badInputs(FORMATS);
  for (const input of kept) reader.take(input.format as FormatName, input.bytes);
  const seeds = [...seedsOfMappings(), ...kept.filter(({ bytes }) => bytes.length < 4096)];
  for (let done = 1; done <= inputs; done++) {
    const one = pick(seeds, random);
    const bytes = mutate(one.bytes, pick(seeds, random).bytes, random);
    const format = random() < 0.5 ? 'auto' : random() < 0.7 ? (one.format as FormatName) : pick(FORMATS, random);
    reader.take(format, bytes);
    if (done % 10_000 === 0) onProgress?.(done);
  }
  return { seed, kept: kept.length, inputs, formats: FORMATS.length, ...reader.report() };
}

const mappings = loadMappings(readShippedMappings());
const build = createOcsfBuilder(mappings);

/** Records that the mappings are tested with. */
function seedsOfMappings(): BadInput[] {
  return mappings.tests.map(({ name, format, record }) => ({ name, format, bytes: new TextEncoder().encode(record) }));
}

class FuzzReader {
  readonly #random: Random;
  readonly #rejected = new Map<string, number>();
  readonly #mappings = new Set<string>();
  readonly #failures: { what: string; format: string; base64: string }[] = [];
  #accepted = 0;
  #count = 0;
  #slowestMs = 0;
  #peakHeap = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  take(format: FormatName, bytes: Uint8Array): void {
    const before = process.cpuUsage();
    try {
      this.#check(format, bytes);
    } catch (error) {
      this.#fail(format, bytes, `thrown: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
    const used = process.cpuUsage(before);
    const ms = (used.user + used.system) / 1000;
    this.#slowestMs = Math.max(this.#slowestMs, ms);
    if (ms > MAX_MS) this.#fail(format, bytes, `took ${Math.round(ms)} ms`);
    if (++this.#count % 1000 === 0) this.#peakHeap = Math.max(this.#peakHeap, process.memoryUsage().heapUsed);
  }

  report(): Pick<FuzzReport, 'accepted' | 'rejected' | 'mappingsHit' | 'failures' | 'slowestMs' | 'peakHeapBytes'> {
    return {
      accepted: this.#accepted,
      rejected: Object.fromEntries([...this.#rejected].sort(([a], [b]) => (a < b ? -1 : 1))),
      mappingsHit: this.#mappings.size,
      failures: this.#failures,
      slowestMs: Math.round(this.#slowestMs),
      peakHeapBytes: this.#peakHeap,
    };
  }

  #check(format: FormatName, bytes: Uint8Array): void {
    const decoded = decoders[format].decode(bytes, defaultDecodeLimits);
    if (decoded.length === 0) this.#fail(format, bytes, 'no answer');
    for (const one of decoded) this.#judge(format, bytes, one);
    if (this.#random() < 0.25) for (const one of this.#streamed(format, bytes)) this.#judge(format, bytes, one);
  }

  #streamed(format: FormatName, bytes: Uint8Array): DecodedRecord[] {
    const stream = openRecordStream(format, defaultDecodeLimits);
    const middle = Math.floor(this.#random() * (bytes.length + 1));
    return [...stream.push(bytes.subarray(0, middle)), ...stream.push(bytes.subarray(middle)), ...stream.end()];
  }

  #judge(format: FormatName, bytes: Uint8Array, one: DecodedRecord): void {
    if ('rejected' in one) {
      this.#rejected.set(one.rejected, (this.#rejected.get(one.rejected) ?? 0) + 1);
      if (one.reason === '' || !(one.record instanceof Uint8Array)) this.#fail(format, bytes, 'rejected without a reason or bytes');
      return;
    }
    this.#accepted += 1;
    const event = normaliseRecord(mappings, one, { source, receivedMs: 1.7e12, fallbackId: 'f' });
    this.#mappings.add(event.mapping);
    if (this.#random() > 0.1) return;
    const [again] = decoders[one.format as FormatName].decode(one.record, defaultDecodeLimits);
    if (again === undefined || !('fields' in again) || !isDeepStrictEqual({ ...again.fields }, { ...one.fields }))
      this.#fail(format, bytes, `reads otherwise the second time, as ${one.format}`);
    const object = build({ ...event, format: one.format, fields: one.fields });
    const [violation] = validateOcsf(object);
    if (violation !== undefined) this.#fail(format, bytes, `breaks OCSF in ${event.mapping}: ${violation.path}: ${violation.reason}`);
  }

  #fail(format: string, bytes: Uint8Array, what: string): void {
    if (this.#failures.length < MAX_FAILURES)
      this.#failures.push({ what, format, base64: Buffer.from(bytes.subarray(0, 2048)).toString('base64') });
  }
}

function pick<T>(list: readonly T[], random: Random): T {
  return list[Math.floor(random() * list.length)] as T;
}
