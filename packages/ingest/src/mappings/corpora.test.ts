/**
 * Real recordings, read from where they lie (`TOCSIN_CORPORA`, or beside the repository): every record finds a mapping of its
 * own, a sample gives exactly the golden output, and the OCSF numbers in the mapping files exist. Skipped and counted where
 * the recordings are missing.
 */
import { createReadStream, readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { createGunzip, gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { corporaFolder, missingCorpora } from '../../test/corpora.ts';
import { needs } from '../../test/needs.ts';
import { decoders } from '../decoders/decoders.ts';
import { type AcceptedRecord, defaultDecodeLimits } from '../decoders/record-decoder.ts';
import { createRecordReader } from '../decoders/record-reader.ts';
import type { Mapped } from './compile-mapping.ts';
import { loadMappings } from './mapping-set.ts';
import { readShippedMappings } from './shipped-mappings.ts';

const RECEIVED = Date.UTC(2017, 10, 21);
const MOST_PER_FILE = 600;
const set = loadMappings(readShippedMappings());
const read = createRecordReader(set.members());

type Row = { file: string; at: number; decoded: AcceptedRecord; mapped: Mapped };

async function* rowsOf(folder: string): AsyncGenerator<Row> {
  const files = readdirSync(`${corporaFolder}/${folder}`).filter((name) => /\.(ndjson|log)\.gz$/.test(name));
  for (const file of files.sort()) {
    let at = 0;
    const lines = createInterface({
      input: createReadStream(`${corporaFolder}/${folder}/${file}`).pipe(createGunzip()),
      crlfDelay: Number.POSITIVE_INFINITY,
    });
    for await (const line of lines) {
      if (line === '') continue;
      const [decoded] = decoders.auto.decode(new TextEncoder().encode(line), defaultDecodeLimits);
      if (decoded === undefined || 'rejected' in decoded) throw new Error(`${file} line ${at}: ${decoded?.reason}`);
      const [selected] = read('auto', new TextEncoder().encode(line), defaultDecodeLimits);
      if (selected === undefined || 'rejected' in selected) throw new Error(`${file} line ${at}: not read by its members`);
      expect([selected.format, set.map(selected.format, selected.fields, RECEIVED)]).toEqual([
        decoded.format,
        set.map(decoded.format, decoded.fields, RECEIVED),
      ]);
      yield { file, at, decoded, mapped: set.map(decoded.format, decoded.fields, RECEIVED) };
      if (++at >= MOST_PER_FILE) break;
    }
  }
}

/** What no mapping of its own reads, per folder, and why that is right. */
const EXPLAINED: Readonly<Record<string, RegExp>> = {
  // Rows of a spreadsheet of S3 access, not CloudTrail records.
  cloudtrail: /^otrf-s3-honeybucket-access/,
};

const folders = ['windows-otrf/events', 'cloudtrail', 'linux-auth-syslog', 'zeek/wrccdc-2018-json', 'zeek/apt29-day1-json'];

test.each(folders)(
  '%s: every record has a mapping of its own and a time, and the first of each mapping gives the golden output',
  { timeout: 120_000, ...needs(missingCorpora) },
  async (folder) => {
    const unexplained: string[] = [];
    const first = new Map<string, unknown>();
    for await (const row of rowsOf(folder)) {
      const { file, at, decoded, mapped } = row;
      if (EXPLAINED[folder]?.test(file) !== true && (FALLBACKS.has(mapped.mapping) || mapped.timeMs === undefined))
        unexplained.push(`${file} line ${at}`);
      const key = `${decoded.format} ${mapped.mapping}`;
      if (!first.has(key)) first.set(key, goldenOf(row));
    }
    expect(unexplained).toEqual([]);
    if (SHARE_ALIKE.has(folder)) return;
    const sorted = [...first].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
    await expect(`${JSON.stringify(sorted, null, 1)}\n`).toMatchFileSnapshot(`golden/${folder.split('/').join('-')}.golden`);
  },
);

/** CC BY-SA: nothing of these recordings is kept in this repository, not even a golden file. */
const SHARE_ALIKE: ReadonlySet<string> = new Set(['zeek/wrccdc-2018-json']);

/** Mappings that only say where a record comes from, or not even that. */
const FALLBACKS: ReadonlySet<string> = new Set(['json', 'zeek.other', 'windows.sysmon']);

function goldenOf({ file, at, decoded, mapped }: Row): unknown {
  const { timeMs, ...rest } = mapped;
  const fields = decoded.format === 'linux-auth' ? { fields: decoded.fields } : {};
  return { file, at, format: decoded.format, time: timeMs === undefined ? null : new Date(timeMs).toISOString(), ...rest, ...fields };
}

test('CloudTrail files as delivered by AWS are taken apart to the last byte', needs(missingCorpora), () => {
  const tar = gunzipSync(readFileSync(`${corporaFolder}/cloudtrail/invictus-original-files.tar.gz`));
  let files = 0;
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0; ) {
    const size = Number.parseInt(tar.toString('latin1', at + 124, at + 135), 8);
    const body = tar.subarray(at + 512, at + 512 + size);
    at += 512 + Math.ceil(size / 512) * 512;
    if (body[0] !== 0x7b) continue;
    files++;
    const decoded = decoders.cloudtrail.decode(body, defaultDecodeLimits);
    const records = (JSON.parse(body.toString()) as { Records: unknown[] }).Records;
    expect(decoded.map((one) => 'fields' in one && one.fields)).toEqual(records);
    expect(decoded.map((one) => JSON.parse(new TextDecoder().decode(one.record)))).toEqual(records);
  }
  expect(files).toBeGreaterThan(10);
});

test('every OCSF class and activity in the mapping files is in the OCSF schema', needs(missingCorpora), () => {
  const classes = readClasses();
  const wrong = set.specs.filter(({ classUid, activityId }) => classUid !== 0 && !classes.get(classUid)?.has(activityId));
  expect(wrong.map(({ id, classUid, activityId }) => ({ id, classUid, activityId }))).toEqual([]);
});

/** Class uid → activity ids, out of the schema's source: uid = extension × 100000 + category × 1000 + class. */
function readClasses(): Map<number, Set<number>> {
  const sources = readSchema();
  const categories = (sources.get('categories.json') as { attributes: Record<string, { uid: number }> }).attributes;
  const events = [...sources].filter(([path]) => path.includes('events/')).map(([path, value]) => ({ path, event: value as OcsfEvent }));
  const byName = new Map(events.map((one) => [one.event.name, one.event]));
  const categoryOf = (event: OcsfEvent): string | undefined =>
    event.category ?? (event.extends === undefined ? undefined : withParent(event, byName, categoryOf));
  const activitiesOf = (event: OcsfEvent): number[] => [
    ...Object.keys(event.attributes?.activity_id?.enum ?? {}).map(Number),
    ...(withParent(event, byName, activitiesOf) ?? []),
  ];
  const found = new Map<number, Set<number>>();
  for (const { path, event } of events) {
    const category = categories[categoryOf(event) ?? '']?.uid;
    if (event.uid === undefined || category === undefined) continue;
    const extension = path.startsWith('extensions/windows/') ? 200_000 : 0;
    found.set(extension + category * 1000 + event.uid, new Set([0, 99, ...activitiesOf(event)]));
  }
  return found;
}

type OcsfEvent = {
  name: string;
  uid?: number;
  category?: string;
  extends?: string;
  attributes?: { activity_id?: { enum?: Record<string, unknown> } };
};

function withParent<T>(event: OcsfEvent, byName: ReadonlyMap<string, OcsfEvent>, read: (parent: OcsfEvent) => T): T | undefined {
  const parent = byName.get(event.extends ?? '');
  return parent === undefined ? undefined : read(parent);
}

function readSchema(): Map<string, unknown> {
  const tar = gunzipSync(readFileSync(`${corporaFolder}/ocsf-schema/ocsf-schema-src.tar.gz`));
  const found = new Map<string, unknown>();
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0; ) {
    const name = tar.toString('latin1', at, tar.indexOf(0, at));
    const size = Number.parseInt(tar.toString('latin1', at + 124, at + 135), 8);
    if (name === 'categories.json' || /events\/.*\.json$/.test(name))
      found.set(name, JSON.parse(tar.toString('utf8', at + 512, at + 512 + size)));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return found;
}
