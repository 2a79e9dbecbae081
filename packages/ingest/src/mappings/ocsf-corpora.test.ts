/**
 * Real recordings of every kind that lies among the corpora, read as files are: through the record stream, by looks. Nothing is rejected but
 * what is named here, nearly every record finds a mapping of its own, the first of each mapping gives the golden event, and every event
 * keeps to the OCSF schema. Skipped and counted where the recordings are missing.
 */
import { createReadStream, readdirSync } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { expect, test } from 'vitest';
import { corporaFolder, missingCorpora } from '../../test/corpora.ts';
import { needs } from '../../test/needs.ts';
import { type AcceptedRecord, type DecodedRecord, defaultDecodeLimits } from '../decoders/record-decoder.ts';
import { normaliseRecord } from '../normalise-record.ts';
import { createOcsfBuilder } from '../ocsf/build-ocsf.ts';
import { validateOcsf } from '../ocsf/validate-ocsf.ts';
import { openRecordStream } from '../stream/record-stream.ts';
import { loadMappings } from './mapping-set.ts';
import { readShippedMappings } from './shipped-mappings.ts';

const RECEIVED = Date.UTC(2026, 0, 1);
const MOST_PER_FILE = 400;
const set = loadMappings(readShippedMappings());
const build = createOcsfBuilder(set);
const source = { tenant: 't', name: 'golden', format: 'auto' as const, lane: 'live' as const, shard: '' };

/** Folder; least share of records with a mapping of their own; whether its licence lets golden events be kept here. */
const folders: readonly (readonly [folder: string, leastMapped: number, isKept: boolean])[] = [
  ['web-access', 1, true],
  ['cef', 1, true],
  ['auditd-osquery', 1, true],
  ['linux-auth-syslog', 1, true],
  ['suricata-eve', 1, true],
  ['cloudtrail', 1, true],
  ['zeek/apt29-day1-json', 1, true],
  // GPL-3.0: read, not kept.
  ['zeek/internet-server-tsv/2024-04-19', 1, false],
  // CC BY-SA 4.0: read, not kept.
  ['zeek/wrccdc-2018-json', 1, false],
  ['saas-cloud-audit', 0.88, true],
  ['windows-otrf/events', 1, true],
];

async function* decodedOf(folder: string): AsyncGenerator<{ file: string; decoded: DecodedRecord }> {
  const files = readdirSync(`${corporaFolder}/${folder}`).filter((name) => name.endsWith('.gz') && !name.includes('.tar'));
  for (const file of files.sort()) {
    let count = 0;
    for await (const decoded of recordsOf(`${corporaFolder}/${folder}/${file}`)) {
      yield* unwrapped(file, decoded);
      if (++count >= MOST_PER_FILE) break;
    }
  }
}

async function* recordsOf(path: string): AsyncGenerator<DecodedRecord> {
  const stream = openRecordStream('auto', defaultDecodeLimits);
  for await (const bytes of createReadStream(path).pipe(createGunzip())) yield* stream.push(bytes as Uint8Array);
  yield* stream.end();
}

/** The collection of audit events keeps each event beside the verdict on it. */
function* unwrapped(file: string, decoded: DecodedRecord): Generator<{ file: string; decoded: DecodedRecord }> {
  if ('rejected' in decoded || !file.startsWith('panther')) return yield { file, decoded };
  const { log, log_types: types } = decoded.fields as { log: unknown; log_types: readonly string[] };
  const stream = openRecordStream('auto', defaultDecodeLimits);
  for (const inner of [...stream.push(new TextEncoder().encode(JSON.stringify(log))), ...stream.end()])
    yield { file: types.join(), decoded: inner };
}

test.each(folders)(
  '%s: read whole, mapped, and in keeping with OCSF',
  { timeout: 180_000, ...needs(missingCorpora) },
  async (folder, leastMapped, isKept) => {
    const first = new Map<string, unknown>();
    const wrong = new Set<string>();
    let [records, rejected, mapped] = [0, 0, 0];
    for await (const { file, decoded } of decodedOf(folder)) {
      records += 1;
      if ('rejected' in decoded) {
        rejected += 1;
        continue;
      }
      const event = goldenOf(decoded);
      if (event.mapping !== 'json') mapped += 1;
      for (const { path, reason } of validateOcsf(event.data)) wrong.add(`${event.mapping} ${path}: ${reason}`);
      const key = `${decoded.format} ${event.mapping}`;
      if (!first.has(key)) first.set(key, { file, ...event });
    }
    expect(records).toBeGreaterThan(100);
    expect(rejected).toBe(0);
    expect([...wrong]).toEqual([]);
    expect(mapped / records).toBeGreaterThanOrEqual(leastMapped);
    if (!isKept) return;
    const sorted = [...first].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
    await expect(`${JSON.stringify(sorted, null, 1)}\n`).toMatchFileSnapshot(`golden/ocsf-${folder.split('/').join('-')}.golden`);
  },
);

function goldenOf(decoded: AcceptedRecord): { mapping: string; format: string; data: Record<string, unknown> } {
  const event = normaliseRecord(set, decoded, { source, receivedMs: RECEIVED, fallbackId: 'golden' });
  const { unmapped, raw_data: _raw, ...data } = build({ ...event, format: decoded.format, fields: decoded.fields });
  // What was not mapped is the record's own; its members' names show that nothing was lost.
  const left = Object.keys((unmapped ?? {}) as object).sort();
  return {
    mapping: event.mapping,
    format: decoded.format,
    data: { ...data, ...(left.length === 0 ? {} : { unmapped: Object.fromEntries(left.map((name) => [name, '…'])) }) },
  };
}
