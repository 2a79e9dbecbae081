import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { TocsinError } from '@tocsin/core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type DoorServer, type DoorServerOptions, openDoorServer } from '../../test/door-server.ts';
import { readToken, tokenPath, writeToken } from '../state/run-file.ts';
import { loadCommands } from './commands.ts';
import { runProgram } from './program.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tocsin-cli-'));
});
afterAll(() => rm(folder, { recursive: true }));

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(
  argv: readonly string[],
  options: { server?: DoorServer; stdin?: string; interrupted?: AbortSignal; closed?: AbortSignal } = {},
): Promise<Ran> {
  const texts = { out: '', err: '' };
  const screen = (name: keyof typeof texts) => ({ write: (text: string) => void (texts[name] += text) });
  const code = await runProgram({
    argv,
    environment: {
      url: options.server?.url,
      token: options.server && 'secret',
      dataDir: folder,
      cwd: folder,
      colour: true,
      stdin: Readable.from([Buffer.from(options.stdin ?? '')], { objectMode: false }),
      variable: () => undefined,
    },
    out: screen('out'),
    err: screen('err'),
    interrupted: options.interrupted ?? new AbortController().signal,
    outputClosed: options.closed ?? new AbortController().signal,
    version: '1.2.3',
  });
  return { code, ...texts };
}

const alert = (id: string, title = 'Rule') => ({
  id: id.padEnd(32, '0'),
  rule: { id: 'r1', title, version: 'v', techniques: ['T1059'], tags: [], references: [] },
  severity: 4,
  status: 'new',
  origin: 'live',
  score: 70,
  groupBy: { host: 'h' },
  entities: [{ kind: 'host', value: 'h' }],
  count: 2,
  firstMs: 0,
  lastMs: 1000,
  receivedMs: 2000,
  evidence: [],
  explanation: [],
  advice: '',
  causation: [],
  foldRevision: 1,
  tenant: 'default',
});

const web = { name: 'web', format: 'auto', lane: 'live', createdMs: 0, events: 0, duplicates: 0 };

const publishing: DoorServerOptions['routes'] = {
  'GET /sources': () => [200, { sources: [] }],
  'POST /sources': () => [200, { source: web, token: 'token of web' }],
};

const commands = await loadCommands(undefined);

test('every command explains itself with examples that are understood', async () => {
  for (const command of commands) {
    const { code, out } = await run([...command.name.split(' '), '--help']);
    expect([command.name, code]).toEqual([command.name, 0]);
    for (const example of command.examples) {
      expect(out).toContain(example);
      expect(commands.some(({ name }) => example.includes(`tocsin ${name}`))).toBe(true);
    }
  }
});

test('what is typed loads the commands of its word, and what is no command all of them', async () => {
  expect((await loadCommands('alerts')).every(({ name }) => name.split(' ')[0] === 'alerts')).toBe(true);
  expect(await loadCommands('constructor')).toHaveLength(commands.length);
  expect((await run(['--data', folder, 'alert'])).err).toContain('Did you mean alerts?');
  expect((await run(['--help'])).out).toContain('dead-letters');
});

test('no word of the command line is an option twice', () => {
  const names = commands.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});

test.each([
  [['bogus'], 64, "tocsin: unknown command 'bogus'"],
  [['publish'], 64, 'missing required argument'],
  [['status', '--bogus'], 64, "tocsin: unknown option '--bogus'"],
  [['alerts', '--severity', 'huge'], 64, 'one of unknown, info'],
  [['alerts', '-n', '1e9'], 64, 'a whole number from 1'],
  [['status'], 69, 'nothing runs on this data folder'],
  [['status', '--url', 'file:///etc'], 64, 'an address such as'],
  [['status', '--url', 'http://127.0.0.1:1', '--token', 'x'], 69, 'No Tocsin answers'],
])('%j ends with %d', async (argv, code, text) => {
  const ran = await run(argv);
  expect(ran.code).toBe(code);
  expect(ran.err).toContain(text);
});

test('errors are JSON where JSON is asked for', async () => {
  const { err } = await run(['status', '--json']);
  expect(JSON.parse(err)).toMatchObject({ error: { code: 'api.unreachable' } });
});

test("a server's error keeps its code and its exit code", async () => {
  await using server = await openDoorServer({
    routes: { 'GET /status': () => [403, { error: { code: 'auth.forbidden', message: 'no \u001b[31m' } }] },
  });
  expect(await run(['status'], { server })).toMatchObject({ code: 77, err: 'tocsin: no \\u001b[31m [auth.forbidden]\n' });
});

test('listings are read page by page and never raw', async () => {
  const pages = [{ alerts: [alert('a1', 'x\u001b]0;owned\u0007')], next: 'n' }, { alerts: [alert('b2', 'ok')] }];
  let asked = 0;
  await using server = await openDoorServer({ routes: { 'GET /alerts': () => [200, pages[asked++]] } });
  const { code, out } = await run(['alerts'], { server });
  expect(code).toBe(0);
  expect(out).toContain('x\\u001b]0;owned\\u0007');
  expect(out.split('\n')).toHaveLength(4);
});

test.each([
  ['a1', 0, ''],
  ['a', 65, 'Several alerts begin with a'],
  ['ff', 66, "No alert's id begins with ff"],
  ['../x', 66, "No alert's id begins with ../x"],
])('an act on %s ends with %d', async (prefix, code, text) => {
  const acted = alert('a1');
  await using server = await openDoorServer({
    routes: {
      'GET /alerts': () => [200, { alerts: [acted, alert('a2')] }],
      [`POST /alerts/${acted.id}/acknowledge`]: () => [200, { alert: acted }],
    },
  });
  const ran = await run(['alerts', 'ack', prefix], { server });
  expect(ran.code).toBe(code);
  expect(ran.err).toContain(text);
  expect(server.requests.filter((request) => request.startsWith('POST'))).toHaveLength(code === 0 ? 1 : 0);
});

test('publishing again stores nothing twice and says so', async () => {
  await using server = await openDoorServer({ routes: publishing });
  const path = join(folder, 'two.log');
  await writeFile(path, 'one\ntwo\n');
  const first = await run(['publish', path, '--source', 'web', '--no-wait', '--json'], { server });
  expect(JSON.parse(first.out)).toMatchObject({ events: 2, acked: 2, duplicates: 0 });
  await writeFile(path, 'one\ntwo\nthree\n');
  const again = await run(['publish', path, '--source', 'web', '--no-wait', '--json'], { server });
  expect(JSON.parse(again.out)).toMatchObject({ events: 3, acked: 3, duplicates: 2 });
  expect([...server.stored.values()].sort()).toEqual(['one', 'three', 'two']);
});

test('an alert that has not come to the follower when detection has caught up is shown all the same', async () => {
  const late = {
    ...alert('a1', 'Late one'),
    evidence: [{ source: 'web', eventId: 'e', timeMs: 0, sha256: '', at: { position: 'p', index: 0 } }],
  };
  const others = { ...alert('b2', 'Of another source'), evidence: [{ ...late.evidence[0], source: 'elsewhere' }] };
  const asked: unknown[] = [];
  await using server = await openDoorServer({
    routes: {
      ...publishing,
      'POST /settle': () => [200, { settled: true, alertsAt: 'here' }],
      'GET /tail/alerts': ({ query }) => {
        asked.push(query);
        const isAll = (query as { end?: string }).end === 'now';
        return [200, isAll ? `\n${JSON.stringify(late)}\n${JSON.stringify(others)}\n` : '\n'];
      },
    },
  });
  const { code, out } = await run(['publish', '-', '--source', 'web', '--json'], { server, stdin: 'one\n' });
  expect(code).toBe(0);
  expect(JSON.parse(out).alerts).toMatchObject([{ rule: 'r1', count: 2 }]);
  expect(asked).toContainEqual({ from: 'here', end: 'now' });
});

test('an overloaded door gets the same batch again with the same key', async () => {
  let calls = 0;
  const onEmit = (): void => {
    calls += 1;
    if (calls === 1) throw new TocsinError('ingest.overloaded', { waitingBytes: 1, maxBytes: 1 });
  };
  await using server = await openDoorServer({ routes: publishing, onEmit });
  const { code } = await run(['publish', '-', '--no-wait'], { server, stdin: 'a\nb\n' });
  expect([code, calls, server.stored.size]).toEqual([0, 2, 2]);
});

test('what the door rejects is told with file and line', async () => {
  await using server = await openDoorServer({ routes: publishing });
  const { code, err } = await run(['publish', '-', '--no-wait'], { server, stdin: 'good\n\nbad 1\nbad 2\n' });
  expect(code).toBe(65);
  expect(err).toContain('2 records rejected: ingest.bad_record');
  expect(err).toContain('(standard input):3: it is bad');
  const all = await run(['publish', '-', '--no-wait'], { server, stdin: 'bad\n' });
  expect([all.code, all.err.includes('(standard input):1')]).toEqual([65, true]);
});

test('the token of a source is kept for its owner alone, whatever its name', async () => {
  for (const name of ['operator', 'source/web', 'source/../../x', 'source/Ünï\u0000 code', `source/${'x'.repeat(300)}`]) {
    await writeToken(folder, name, `token of ${name}`);
    expect(await readToken(folder, name)).toBe(`token of ${name}`);
    expect(tokenPath(folder, name).startsWith(join(folder, 'tokens', '/'))).toBe(true);
    expect((await stat(tokenPath(folder, name))).mode & 0o777).toBe(0o600);
  }
});

test('a source whose token is not here is not sent to', async () => {
  await using server = await openDoorServer({ routes: { 'GET /sources': () => [200, { sources: [{ ...web, name: 'elsewhere' }] }] } });
  expect(await run(['publish', '-', '--source', 'elsewhere'], { server })).toMatchObject({
    code: 77,
    err: expect.stringContaining('its token is not kept'),
  });
});

test('following ends after the count asked for', async () => {
  await using server = await openDoorServer({
    routes: { 'GET /tail/alerts': () => [200, `\n${JSON.stringify(alert('a1'))}\n${JSON.stringify(alert('b2'))}\n`] },
  });
  const { code, out } = await run(['tail', '-n', '1', '--json'], { server });
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ id: alert('a1').id });
});

test('an interruption and a closed output end quietly with their own codes', async () => {
  await using server = await openDoorServer();
  const over = AbortSignal.abort(new Error('over'));
  expect(await run(['status'], { server, interrupted: over })).toMatchObject({ code: 130, err: '' });
  expect(await run(['status'], { server, closed: over })).toMatchObject({ code: 141, err: '' });
});

test('settings are checked and explained without an installation', async () => {
  const path = join(folder, 'tocsin.yml');
  await writeFile(path, 'listen:\n  prt: 1\n');
  expect(await run(['config', 'check', path])).toMatchObject({ code: 78, out: expect.stringContaining('tocsin.yml:2') });
  await writeFile(path, 'listen:\n  port: 1\n');
  expect(await run(['config', 'check', path])).toMatchObject({ code: 0 });
  expect((await run(['config', 'explain', 'listen.port'])).out).toContain('7514');
});

test('a token that cannot be kept is told in words, with what to do', async () => {
  const file = join(folder, 'a-file');
  await writeFile(file, '');
  await expect(writeToken(file, 'operator', 'secret')).rejects.toMatchObject({
    code: 'cli.unwritable',
    message: expect.stringContaining('--data'),
  });
});

test('config explain takes a setting, a section or nothing', async () => {
  const paths = async (...argv: string[]): Promise<string[]> => {
    const { out } = await run(['config', 'explain', ...argv, '--json']);
    return (JSON.parse(out) as { settings: { path: string }[] }).settings.map(({ path }) => path);
  };
  expect(await paths('rules')).toEqual(['rules.shipped', 'rules.folders', 'rules.budgetPercent']);
  expect(await paths()).toContain('listen.port');
  expect((await run(['config', 'explain', 'listen.port'])).out).toContain('TCP port');
  expect(await run(['config', 'explain', 'rulez'])).toMatchObject({
    code: 78,
    err: expect.stringContaining('config.unknown_key') as string,
  });
});

test('the default data folder lies in the clone, a named one where it was typed, and commands are shown as typed', async () => {
  const said = async (argv: readonly string[], place: object): Promise<string> => {
    let err = '';
    const code = await runProgram({
      argv,
      environment: { cwd: '/typed/here', colour: false, stdin: Readable.from([]), variable: () => undefined, ...place },
      out: { write: () => undefined },
      err: { write: (text: string) => void (err += text) },
      interrupted: new AbortController().signal,
      outputClosed: new AbortController().signal,
      version: '1',
    });
    expect(code).toBe(69);
    return err;
  };
  expect(await said(['status'], {})).toContain('at /typed/here/tocsin-data');
  const cloned = await said(['status'], { home: '/clone', program: 'npm run -s tocsin --' });
  expect(cloned).toContain('at /clone/tocsin-data');
  expect(cloned).toContain('Start one with: npm run -s tocsin -- up');
  expect(await said(['status', '--data', 'mine'], { home: '/clone' })).toContain('at /typed/here/mine');
  expect(await said(['status'], { home: '/clone', dataDir: 'env' })).toContain('at /typed/here/env');
});
