/**
 * `decode`: CPU of one core per record from its bytes to what ingest needs of it (hot columns: mapping, time, class, attributes, id), by format;
 * and of the slowest hundredth. Records are those that the mapping files are tested with, and the recordings of examples/attacks.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { createRecordReader, defaultDecodeLimits, type FormatName, isFormat, loadMappings, readShippedMappings } from '@tocsin/ingest';
import { root } from '../clone.ts';
import { type Bench, type Figure, quantile, requireEqual } from '../figure.ts';

const ROUND_MS = 400;
const SINGLE_READS = 20_000;
const RECEIVED_MS = Date.UTC(2026, 0, 1);

/** Records of one format. */
interface Sample {
  readonly name: string;
  readonly format: FormatName;
  readonly records: readonly Uint8Array[];
  readonly goalUs?: number;
}

/** Bytes to hot columns. */
export const decode: Bench = {
  about: 'CPU per record from bytes to hot columns, by format',
  async run({ progress }) {
    const mappings = loadMappings(readShippedMappings());
    const read = createRecordReader(mappings.members());
    const one = (format: FormatName, record: Uint8Array): boolean => {
      const [decoded] = read(format, record, defaultDecodeLimits);
      if (decoded === undefined || 'rejected' in decoded) return false;
      mappings.map(decoded.format, decoded.fields, RECEIVED_MS);
      return true;
    };
    const figures: Figure[] = [];
    for (const sample of samplesOf(mappings.tests)) {
      progress(`decode, ${sample.name}`);
      figures.push(...measure(sample, one));
    }
    return figures;
  },
};

function samplesOf(tests: ReturnType<typeof loadMappings>['tests']): Sample[] {
  const recorded: Sample[] = [
    { name: 'Windows events (recorded)', format: 'windows-json', records: linesOf('windows/events.ndjson.gz'), goalUs: 2 },
    { name: 'CloudTrail (recorded)', format: 'cloudtrail', records: linesOf('cloudtrail/events.ndjson.gz') },
    { name: 'auth.log (recorded)', format: 'linux-auth', records: linesOf('ssh/auth.log.gz') },
    { name: 'Windows events, by looks', format: 'auto', records: linesOf('windows/events.ndjson.gz') },
    { name: 'auth.log, by looks', format: 'auto', records: linesOf('ssh/auth.log.gz') },
  ];
  const byFormat = new Map<FormatName, Uint8Array[]>();
  for (const { format, record } of tests) {
    if (!isFormat(format)) continue;
    const bytes = new TextEncoder().encode(record);
    const [decoded] = createRecordReader([])(format, bytes, defaultDecodeLimits);
    const found = decoded !== undefined && 'fields' in decoded && isFormat(decoded.format) ? decoded.format : undefined;
    if (found !== undefined) byFormat.set(found, [...(byFormat.get(found) ?? []), bytes]);
  }
  const tested = [...byFormat].map(([format, records]): Sample => ({ name: `${format} (of the mappings' tests)`, format, records }));
  return [...recorded, ...tested.sort((a, b) => (a.name < b.name ? -1 : 1))];
}

function linesOf(path: string): Uint8Array[] {
  const text = gunzipSync(readFileSync(join(root, 'examples', 'attacks', path))).toString('utf8');
  return text.split('\n').flatMap((line) => (line === '' ? [] : [Buffer.from(line)]));
}

function measure({ name, format, records, goalUs }: Sample, one: (format: FormatName, record: Uint8Array) => boolean): Figure[] {
  const count = (until: () => boolean): { reads: number; accepted: number } => {
    let [reads, accepted] = [0, 0];
    do {
      for (const record of records) if (one(format, record)) accepted += 1;
      reads += records.length;
    } while (!until());
    return { reads, accepted };
  };
  count(endsIn(ROUND_MS));
  const before = process.cpuUsage();
  const { reads, accepted } = count(endsIn(ROUND_MS));
  const { user, system } = process.cpuUsage(before);
  requireEqual(`decode, ${name}`, reads, accepted);
  const singles: number[] = [];
  for (let i = 0; i < SINGLE_READS; i++) {
    const startMs = performance.now();
    one(format, records[i % records.length] as Uint8Array);
    singles.push((performance.now() - startMs) * 1000);
  }
  const bytes = Math.round(records.reduce((sum, { length }) => sum + length, 0) / records.length);
  const conditions = { format, records: records.length, bytes_per_record: bytes, reads };
  return [
    {
      figure: `decode, ${name}`,
      value: round((user + system) / reads),
      unit: 'µs CPU/record',
      ...(goalUs === undefined ? {} : { goal: { atMost: goalUs } }),
      conditions,
    },
    { figure: `decode, ${name}, p99`, value: round(quantile(singles, 0.99)), unit: 'µs', goal: { atMost: 1000 }, conditions },
  ];
}

function endsIn(ms: number): () => boolean {
  const endMs = performance.now() + ms;
  return () => performance.now() >= endMs;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
