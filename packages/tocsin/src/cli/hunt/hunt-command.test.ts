/** The command as typed: outputs, exit codes, notes, and the same answer however many threads judge. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const MAIN = join(import.meta.dirname, '../../main.ts');
let folder = '';

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function hunt(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { cwd: folder, env: { ...process.env, XDG_CACHE_HOME: join(folder, 'cache') }, maxBuffer: 1 << 28 };
    execFile(process.execPath, ['--conditions=tocsin-source', MAIN, 'hunt', ...args], options, (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err });
    });
  });
}

const RULES = `
title: Evil "name" \u202e
id: evil
level: high
tags: [attack.t1033, attack.discovery]
logsource: { product: json }
detection: { sel: { x|contains: evil }, condition: sel }
---
title: Mild
id: mild
level: low
logsource: { product: json }
detection: { sel: { y: 1 }, condition: sel }
---
title: Often
id: often
level: critical
correlation: { type: event_count, rules: [mild], group-by: [host], timespan: 1h, condition: { gte: 5 }, generate: true }
`;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tocsin-hunt-cli-'));
  mkdirSync(join(folder, 'rules/deep'), { recursive: true });
  mkdirSync(join(folder, 'logs'));
  writeFileSync(join(folder, 'rules/deep/a.yml'), RULES);
  writeFileSync(
    join(folder, 'rules/bomb.yml'),
    `title: x\nid: bomb\na: &a [x,x,x,x,x,x,x,x,x]\n${[...'bcdefghi'].map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[i]}`).join(',')}]`).join('\n')}\n`,
  );
  writeFileSync(join(folder, 'rules/js.yml'), 'title: y\nid: js\ndetection: !!js/function "function () {}"\n');
  writeFileSync(join(folder, 'rules/big.yml'), 'x'.repeat(2 << 20));
  writeFileSync(join(folder, 'rules/readme.txt'), 'no rule');
  symlinkSync('..', join(folder, 'rules/deep/loop'));
  symlinkSync('nowhere.yml', join(folder, 'rules/gone.yml'));
  const line = (i: number): string =>
    JSON.stringify({
      host: `h${i % 3}`,
      x: i % 50 === 0 ? `evil \u001b[31m\u202e=cmd|${i}` : 'fine',
      y: i % 20 === 0 ? 1 : 0,
      time: new Date(1.7e12 + ((i * 7919) % 9000) * 1000).toISOString(),
      pad: 'p'.repeat(900),
    });
  for (const [name, from] of [
    ['a.ndjson', 0],
    ['b.ndjson', 3000],
  ] as const)
    writeFileSync(join(folder, 'logs', name), Array.from({ length: 3000 }, (_, i) => line(from + i)).join('\n'));
  writeFileSync(join(folder, 'logs/bad.ndjson'), '{"a":1}\nno\u001b[31mjson\n');
  symlinkSync('.', join(folder, 'logs/loop'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('tocsin hunt', () => {
  it('prints one object of counts and nothing else, having refused bad rules by name', async () => {
    const { code, out, err } = await hunt('--rules', 'rules', 'logs', '--summary', 'json', '--jobs', '1');
    expect([code, err]).toEqual([0, '']);
    expect(out.trimEnd().split('\n')).toHaveLength(1);
    const summary = JSON.parse(out) as Record<string, unknown> & { rulesRefused: { file: string; code: string }[] };
    expect(Object.keys(summary)).toEqual([
      'events',
      'unparsed',
      'rulesLoaded',
      'rulesRefused',
      'matches',
      'matchesByRule',
      'loadSeconds',
      'loadCpuSeconds',
      'runSeconds',
      'cpuSeconds',
      'peakRssBytes',
    ]);
    expect(summary).toMatchObject({ events: 6001, unparsed: 1, rulesLoaded: 3, matchesByRule: { evil: 120, mild: 300 } });
    expect(Object.fromEntries(summary.rulesRefused.map(({ file, code: why }) => [file, why]))).toEqual({
      'rules/big.yml': 'cli.unreadable',
      'rules/bomb.yml': 'detect.bad_yaml',
      'rules/gone.yml': 'cli.unreadable',
      'rules/js.yml': 'detect.bad_yaml',
    });
  });

  it.each(['json', 'ndjson', 'csv', 'sarif', 'table'])(
    'prints the same %s however many threads judge, and nothing that steers a terminal',
    async (form) => {
      const [one, three] = await Promise.all(['1', '3'].map((jobs) => hunt('--rules', 'rules', 'logs', '--output', form, '--jobs', jobs)));
      const timeless = (text = ''): string => text.replace(/"(?:load|run|cpu|peak)\w*":[\d.]+/g, '').replace(/;[^;]* events\/s/, '');
      expect(one?.code).toBe(0);
      expect(timeless(one?.out)).toBe(timeless(three?.out));
      // biome-ignore lint/suspicious/noControlCharactersInRegex: those are the ones to catch
      expect(`${one?.out}${one?.err}`).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f\u202e]/);
    },
  );

  it('prints findings in the order of the input, as whole JSON', async () => {
    const { out } = await hunt('--rules', 'rules', 'logs', '--output', 'ndjson');
    const found = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { kind: string; file: string; line: number; rule: string; record: string });
    const places = found.filter(({ kind }) => kind === 'match').map(({ file, line }) => [file, line] as const);
    expect(places).toEqual([...places].sort(([a, i], [b, j]) => (a < b ? -1 : a > b ? 1 : i - j)));
    expect(found.find(({ rule }) => rule === 'evil')?.record).toContain('evil \\u001b[31m\u202e=cmd|0');
    expect(found.at(-1)?.kind).toBe('correlation');
  });

  it('writes SARIF 2.1.0', async () => {
    const log = JSON.parse((await hunt('--rules', 'rules', 'logs', '--output', 'sarif')).out) as Sarif;
    const [run] = log.runs;
    expect(log.version).toBe('2.1.0');
    for (const { ruleId, ruleIndex, level, message, locations } of run?.results ?? []) {
      expect(run?.tool.driver.rules[ruleIndex]?.id).toBe(ruleId);
      expect(['note', 'warning', 'error']).toContain(level);
      expect(message.text).not.toBe('');
      expect(locations[0]?.physicalLocation).toMatchObject({
        artifactLocation: { uri: expect.stringMatching(/^logs\/[ab]\.ndjson$/) },
        region: { startLine: expect.any(Number) },
      });
    }
    expect(run?.invocations).toMatchObject([{ executionSuccessful: true }]);
  });

  it('keeps cells of CSV from being formulas', async () => {
    const { out } = await hunt('--rules', 'rules', 'logs', '--output', 'csv');
    const [head = '', first = ''] = out.split('\n');
    expect(head.split(',')).toContain('techniques');
    expect(first).toContain('"Evil ""name"" \\u202e"');
  });

  it('ends with 1 where something at or above a level is found, 66 where a file cannot be read', async () => {
    expect(await hunt('--rules', 'rules', 'logs', '--fail-on', 'high')).toMatchObject({
      code: 1,
      err: expect.stringContaining('[hunt.found]'),
    });
    expect((await hunt('--rules', 'rules', 'logs/bad.ndjson', '--fail-on', 'low')).code).toBe(0);
    writeFileSync(join(folder, 'cut.gz'), Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2]));
    expect(await hunt('--rules', 'rules', 'cut.gz', 'logs/bad.ndjson')).toMatchObject({
      code: 66,
      err: expect.stringContaining('[hunt.incomplete]'),
    });
    writeFileSync(join(folder, 'cut.evtx'), Buffer.concat([Buffer.from('ElfFile\0'), Buffer.alloc(9000)]));
    expect(await hunt('--rules', 'rules', 'cut.evtx')).toMatchObject({ code: 66, err: expect.stringContaining('cut.evtx') });
    writeFileSync(join(folder, 'head.evtx'), 'ElfFile\0');
    expect((await hunt('--rules', 'rules', 'head.evtx')).code).toBe(66);
    writeFileSync(join(folder, 'noise.bin'), Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 37 + (i >> 3)) & 0xff)));
    expect((await hunt('--rules', 'rules', 'noise.bin')).code).toBe(66);
    expect((await hunt('--rules', 'rules', 'nowhere')).code).toBe(66);
    expect((await hunt('--rules', 'rules/js.yml', 'logs')).code).toBe(65);
    expect((await hunt('logs', '--summary', 'json')).out).toMatch(/"rulesLoaded":[1-9][0-9]/);
    expect((await hunt('--rules', 'rules', '--log-source-fields', 'nonsense', 'logs')).code).toBe(64);
  });

  it('finds the same with rules out of the cache, and leaves a spoilt cache alone with a word', async () => {
    const args = ['--rules', 'rules', 'logs', '--output', 'csv', '--cache', 'kept'];
    const [first, second] = [await hunt(...args), await hunt(...args)];
    expect(second.out).toBe(first.out);
    for (const name of (await import('node:fs')).readdirSync(join(folder, 'kept')))
      writeFileSync(join(folder, 'kept', name), 'spoilt', { mode: 0o600 });
    const third = await hunt(...args);
    expect(third.out).toBe(first.out);
    expect(third.err).toContain('[hunt.cache_ignored]');
  });
});

interface Sarif {
  readonly version: string;
  readonly runs: readonly {
    readonly tool: { readonly driver: { readonly rules: readonly { readonly id: string }[] } };
    readonly results: readonly {
      readonly ruleId: string;
      readonly ruleIndex: number;
      readonly level: string;
      readonly message: { readonly text: string };
      readonly locations: readonly { readonly physicalLocation: object }[];
    }[];
    readonly invocations: readonly object[];
  }[];
}
