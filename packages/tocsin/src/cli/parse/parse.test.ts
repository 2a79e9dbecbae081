/** `tocsin parse` and `tocsin sources guess`, in this process; and the how-to page, whose files and sums are these. */
import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defaultDecodeLimits, loadMappings, normaliseRecord, openRecordStream, readShippedMappings, runMappingTests } from '@tocsin/ingest';
import { afterAll, expect, test } from 'vitest';
import type { CommandContext } from '../command.ts';
import { sourcesSet } from '../commands/sources-change.ts';
import { sourcesGuess } from '../commands/sources-guess.ts';
import { Terminal } from '../terminal.ts';
import { runParse } from './run-parse.ts';

const folder = mkdtempSync(join(tmpdir(), 'tocsin-parse-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const page = readFileSync(fileURLToPath(new URL('../../../../../docs/how-to/add-a-log-source.md', import.meta.url)), 'utf8');
const fileOfPage = (name: string): string =>
  new RegExp(`\`\`\`\\w+ ${name.replace('.', '\\.')}\\n([\\s\\S]*?)\`\`\``).exec(page)?.[1] ?? '';
const vpn = join(folder, 'vpn.log');
writeFileSync(vpn, fileOfPage('vpn.log'));

function contextOf(json = false): { context: CommandContext; out: string[]; err: string[] } {
  const [out, err]: [string[], string[]] = [[], []];
  const terminal = new Terminal({
    out: { write: (text) => out.push(text) },
    err: { write: (text) => err.push(text) },
    json,
    colour: false,
  });
  const stdin = (async function* () {
    yield new TextEncoder().encode('{"a":1}\nnonsense\n');
  })();
  const context = {
    terminal,
    environment: { stdin, cwd: folder, colour: false },
    interrupted: new AbortController().signal,
  } as unknown as CommandContext;
  return { context, out, err };
}

const linesOf = (out: readonly string[]): Record<string, unknown>[] =>
  out
    .join('')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test('each record is a CloudEvent with OCSF data', async () => {
  const { context, out, err } = contextOf();
  expect(await runParse(context, [vpn], { strict: true })).toBe(0);
  expect(err).toEqual([]);
  const events = linesOf(out);
  expect(events).toHaveLength(3);
  expect(events[0]).toMatchObject({
    specversion: '1.0',
    id: 'vpn.log#1',
    source: 'vpn.log',
    type: 'key-value',
    time: '2024-01-02T03:04:05.000Z',
    data: { class_uid: 0, actor: { user: { name: 'ann' } }, raw_data: fileOfPage('vpn.log').split('\n')[0] },
  });
});

test.each([0, Date.UTC(2015, 5) / 1000])(
  'a file last changed at %d s keeps the times that its records say; years come from it',
  async (changed) => {
    const path = join(folder, 'old.log');
    writeFileSync(path, '{"time":"2024-01-02T03:04:05Z","a":1}\nMar 27 13:06:56 web1 su: x\n');
    utimesSync(path, changed, changed);
    const { context, out } = contextOf();
    expect(await runParse(context, [path], {})).toBe(0);
    const [said, yearless] = linesOf(out).map(({ time }) => String(time));
    expect(said).toBe('2024-01-02T03:04:05.000Z');
    expect(yearless).toBe(`${changed === 0 ? yearBefore(Date.now()) : '2015'}-03-27T13:06:56.000Z`);
  },
);

/** Latest year in which that time of it is not a day ahead of `nowMs`. */
function yearBefore(nowMs: number): number {
  const year = new Date(nowMs).getUTCFullYear();
  return Date.UTC(year, 2, 27, 13, 6, 56) <= nowMs + 86_400_000 ? year : year - 1;
}

test('the sum of a file is as the page says', async () => {
  const { context, out } = contextOf();
  expect(await runParse(context, [vpn], { summary: 'json' })).toBe(0);
  expect(out.join('').trim()).toBe(/gives `(\{.*?\})`/.exec(page)?.[1]);
});

test('rejects are on standard error with reason and bytes, and counted', async () => {
  const { context, out, err } = contextOf(true);
  expect(await runParse(context, ['-'], { summary: 'json' })).toBe(0);
  expect(linesOf(out)).toEqual([
    { records: 2, events: 1, rejected: { 'decode.unknown_format': 1 }, byClass: { '0': 1 }, byMapping: { json: 1 } },
  ]);
  expect(linesOf(err)).toMatchObject([
    { record: 2, code: 'decode.unknown_format', bytes: 8, base64: Buffer.from('nonsense').toString('base64') },
  ]);
});

test('where nothing can be read, the exit code says so', async () => {
  const path = join(folder, 'bad.log');
  writeFileSync(path, 'nonsense\n');
  expect(await runParse(contextOf().context, [path], {})).toBe(65);
});

test.each([['nonesuch'], ['zeek.con'], ['']])('--as %j is refused', async (as) => {
  await expect(runParse(contextOf().context, [vpn], { as })).rejects.toMatchObject({ code: 'cli.bad_option' });
});

test('a guess names format and mapping and shows first events', async () => {
  const { context, out } = contextOf(true);
  expect(await sourcesGuess.run(context, [vpn], {})).toBe(0);
  expect(linesOf(out)[0]).toMatchObject({
    format: 'key-value',
    guesses: [{ format: 'key-value', mapping: 'key-value', records: 3, confidence: 0.5 }],
    first: [{ attributes: { 'actor.user.name': 'ann' } }, {}, {}],
  });
});

test('a guess reads on to the first record, however long it is', async () => {
  const path = join(folder, 'long.log');
  writeFileSync(path, `${'a'.repeat(3_000_000)}\n${fileOfPage('vpn.log')}`);
  const { context, out, err } = contextOf();
  expect(await sourcesGuess.run(context, [path], {})).toBe(0);
  expect(out.join('')).toContain('key-value');
  expect(err.join('')).toContain('1 of 4 records could not be read, the first because: A record has 3000000 bytes');
});

test('a file that Windows wrote in UTF-16 reads like the same in UTF-8', async () => {
  const path = join(folder, 'wide.log');
  writeFileSync(path, `\ufeff${fileOfPage('vpn.log').replaceAll('\n', '\r\n')}`, 'utf16le');
  const { context, out } = contextOf();
  expect(await runParse(context, [path], { summary: 'json' })).toBe(0);
  expect(linesOf(out).at(-1)).toMatchObject({ records: 3, events: 3, rejected: {} });
});

test.each([['30m,5m'], ['5m,5m'], ['0s']])('a silence of %s is refused', async (silence) => {
  await expect(sourcesSet.run(contextOf().context, ['web07'], { silence })).rejects.toMatchObject({ code: 'cli.bad_option' });
});

test('the mapping of the page reads the file of the page, and its own test holds', () => {
  const set = loadMappings([...readShippedMappings(), { path: 'acme-vpn.yml', text: fileOfPage('acme-vpn.yml') }]);
  expect(runMappingTests(set)).toEqual([]);
  const stream = openRecordStream('auto', defaultDecodeLimits);
  const decoded = [...stream.push(new TextEncoder().encode(fileOfPage('vpn.log'))), ...stream.end()];
  const source = { tenant: 't', name: 's', format: 'auto' as const, lane: 'live' as const, shard: '' };
  const mapped = decoded.map((one) =>
    'fields' in one ? normaliseRecord(set, one, { source, receivedMs: Date.UTC(2026, 0), fallbackId: 'x' }).mapping : one.rejected,
  );
  expect(mapped).toEqual(['acme.vpn', 'acme.vpn', 'acme.vpn.logout']);
});
