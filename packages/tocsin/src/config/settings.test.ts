import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isTocsinError } from '@tocsin/core';
import { afterAll, describe, expect, it } from 'vitest';
import { openIdentity } from '../identity.ts';
import { checkConfig, effectiveSettings, readConfigFile } from './read-config.ts';
import { isLoopback } from './settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'tocsin-config-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;

async function read(text: string): ReturnType<typeof readConfigFile> {
  files += 1;
  const path = join(folder, `c${files}.yml`);
  writeFileSync(path, text);
  return readConfigFile(path, folder);
}

async function settingsOf(text: string, overrides: Record<string, unknown> = {}): Promise<ReturnType<typeof effectiveSettings>> {
  return effectiveSettings(await read(text), overrides, (name) => (name === 'HOST' ? '127.0.0.9' : undefined));
}

async function refusal(text: string, overrides: Record<string, unknown> = {}): Promise<string> {
  const error = await settingsOf(text, overrides).catch((caught: unknown) => caught);
  if (!isTocsinError(error)) throw new Error(`taken, or refused without a code: ${String(error)}`);
  return error.message;
}

describe('settings', () => {
  it('needs no file', async () => {
    const settings = effectiveSettings(await readConfigFile(undefined, join(folder, 'nowhere')), {}, () => undefined);
    expect(settings).toMatchObject({ site: 'local', listen: { host: '127.0.0.1', port: 7514, insecure: false }, bus: { partitions: 8 } });
  });

  it('takes the command line before the file, and the file before the defaults', async () => {
    const settings = await settingsOf('listen: { port: 1, host: "${env:HOST}" }\nbus: { partitions: 4, eventsMaxAge: 1h }\n', {
      listen: { port: 2, host: undefined },
    });
    expect(settings).toMatchObject({ listen: { port: 2, host: '127.0.0.9' }, bus: { partitions: 4, eventsMaxAge: 3_600_000 } });
  });

  it('refuses clear text beyond loopback unless it is asked for', async () => {
    for (const host of ['0.0.0.0', '::', '192.168.1.1', 'tocsin.example', '::ffff:127.0.0.1']) {
      expect(await refusal('', { listen: { host } })).toMatch(/certificate and key/);
      expect((await settingsOf('', { listen: { host, insecure: true } })).listen.host).toBe(host);
    }
    expect((await settingsOf('', { listen: { host: '0.0.0.0', tlsCert: 'c', tlsKey: 'k' } })).listen.tlsCert).toBe('c');
    expect(await refusal('', { listen: { tlsCert: 'c' } })).toMatch(/given together/);
  });

  it.each([
    ['127.0.0.1', true],
    ['127.8.9.1', true],
    ['::1', true],
    ['localhost', true],
    ['128.0.0.1', false],
    ['127.0.0.1.example', false],
    ['0.0.0.0', false],
    ['localhost.example', false],
    ['1127.0.0.1', false],
  ])('tells whether %s is loopback', (host, expected) => {
    expect(isLoopback(host)).toBe(expected);
  });

  it('names file, line and nearest name for each mistake', async () => {
    const message = await refusal('site: s\nlisten:\n  prot: 5\nbus:\n  partitions: many\n  eventsMaxBytes: 1\n');
    expect(message).toMatch(/c\d+\.yml:3/);
    expect(message).toMatch(/Did you mean .*port/);
    expect(message).toMatch(/c\d+\.yml:5/);
    expect(checkConfig(await read('x: 1\ny: 2\n'))).toHaveLength(2);
  });

  it.each([
    ['no YAML', 'a: [', /line \d/],
    ['a key twice', 'site: a\nsite: b\n', /line 2/],
    ['a hostile key', '__proto__: { polluted: true }\n', /__proto__/],
    ['an unset variable', 'site: "${env:NOPE}"', /NOPE/],
    ['a list at the top', '- a\n', /./],
    [
      'an alias bomb',
      `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghi'
        .split('')
        .map((k, i) => `${k}: &${k} [${Array(9).fill(`*${'abcdefgh'[i]}`).join(',')}]`)
        .join('\n')}\n`,
      /./,
    ],
  ])('refuses %s', async (_, text, pattern) => {
    expect(await refusal(text)).toMatch(pattern);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

describe('identity', () => {
  const wanted = { site: 'local', partitions: 8, createdMs: 1 };

  it('is written once and read from then on', async () => {
    const dir = mkdtempSync(join(folder, 'id-'));
    expect(await openIdentity(dir, wanted)).toEqual({ identity: wanted, firstRun: true });
    expect(await openIdentity(dir, { ...wanted, createdMs: 2 })).toEqual({ identity: wanted, firstRun: false });
    await expect(openIdentity(dir, { ...wanted, partitions: 4 })).rejects.toMatchObject({ code: 'config.fixed' });
    await expect(openIdentity(dir, { ...wanted, site: 'x' })).rejects.toMatchObject({ code: 'config.fixed' });
    expect(JSON.parse(readFileSync(join(dir, 'installation.json'), 'utf8'))).toEqual(wanted);
  });

  it('says which file is damaged', async () => {
    const dir = mkdtempSync(join(folder, 'id-'));
    writeFileSync(join(dir, 'installation.json'), '{"site":');
    await expect(openIdentity(dir, wanted)).rejects.toMatchObject({
      code: 'config.unreadable',
      message: expect.stringContaining('installation.json') as string,
    });
  });
});
