/** The pages under docs/how-to/ that this folder's agents can follow: their snippets, with addresses and files of this machine put in. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { needs, unlessFound } from '../../packages/ingest/test/needs.ts';
import { hasOpenssl, TestAuthority } from '../../packages/ingest/test/test-certificates.ts';
import { Program } from '../e2e/program.ts';
import { notRunnable } from '../faults/not-runnable.ts';
import { waitFor } from '../faults/wait-for.ts';
import { Agent, findProgram } from './agent-process.ts';
import { unpackRsyslog, unpackSyslogNg } from './debian-program.ts';
import { blocks } from './listener-status.ts';

const page = (name: string): string => readFileSync(join(import.meta.dirname, '../../docs/how-to', `${name}.md`), 'utf8');

/** Settings as they stand, but on free ports of loopback. */
function settingsOf(text: string, files: Readonly<Record<string, string>>): string {
  const [first = '', ...more] = blocks(text, 'yaml');
  const kind = (block: string): string => block.split('\n').slice(2).join('\n');
  let joined = [first.trimEnd(), ...more.map(kind)].join('\n');
  for (const [from, to] of Object.entries({ 'host: 0.0.0.0': 'host: 127.0.0.1', ...files })) joined = joined.replaceAll(from, to);
  return joined.replaceAll(/port: \d+/g, 'port: 0');
}

interface ListenerRow {
  readonly kind: string;
  readonly name: string;
  readonly address: string;
  readonly stored: number;
}

const missing = notRunnable() ?? unlessFound(hasOpenssl(), 'needs openssl to make certificates');
const rsyslog = unpackRsyslog();
const noRsyslog = unlessFound(rsyslog, 'rsyslog could not be had as a Debian package');
const syslogNg = unpackSyslogNg();
const noSyslogNg = unlessFound(syslogNg, 'syslog-ng could not be had as a Debian package');
const logger = findProgram('logger');
const noLogger = unlessFound(logger, 'needs the program logger');

describe('docs/how-to/syslog.md', needs(missing), () => {
  const folder = mkdtempSync(join(tmpdir(), 'tocsin-how-to-'));
  const text = page('syslog');
  let program: Program;
  let files: Record<string, string>;
  beforeAll(async () => {
    const authority = new TestAuthority(folder);
    const server = authority.sign({ name: 'server', subject: '/CN=tocsin.example', names: 'DNS:tocsin.example' });
    const client = authority.sign({ name: 'client', subject: '/CN=web1', names: 'DNS:web1.example' });
    files = { '/etc/tocsin/tls.crt': server.cert, '/etc/tocsin/tls.key': server.key, '/etc/tocsin/clients-ca.crt': authority.cert };
    program = await Program.start({ settings: settingsOf(text, files) });
    await program.addSource('hosts', 'syslog');
    files['client.crt'] = client.cert;
    files['client.key'] = client.key;
  });
  afterAll(async () => {
    await program?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  async function row(name: string): Promise<ListenerRow> {
    const { body } = await program.call<{ listeners: ListenerRow[] }>('GET', '/status');
    const found = body.listeners.find((each) => each.name === name);
    if (found === undefined) throw new Error(`no listener ${name}`);
    return found;
  }

  async function expectOne(name: string, before: number, agent?: Agent): Promise<void> {
    await waitFor(async () => (await row(name)).stored > before || undefined, { what: () => `a line; ${agent?.said}`, withinMs: 20_000 });
    expect((await row(name)).stored).toBe(before + 1);
  }

  /** A snippet with the name and port of the page replaced by those of a listener. */
  async function local(snippet: string, name: string): Promise<string> {
    const { port } = new URL((await row(name)).address);
    return snippet.replaceAll(/(target=|\(|-n )"?tocsin\.example"?/g, '$1"127.0.0.1"').replaceAll(/5514|6514/g, port);
  }

  async function runRsyslog(snippet: string, name: string, globals = ''): Promise<void> {
    const { stored } = await row(name);
    const { root, environment } = rsyslog ?? { root: '', environment: {} };
    const work = mkdtempSync(join(folder, 'rsyslog-'));
    const input = join(work, 'in.log');
    writeFileSync(input, 'one line\n');
    const source = `module(load="imfile")\ninput(type="imfile" File="${input}" Tag="app:")\n`;
    writeFileSync(join(work, 'c.conf'), `global(workDirectory="${work}" ${globals})\n${source}${await local(snippet, name)}`);
    const modules = ['x86_64', 'aarch64'].map((each) => `${root}/usr/lib/${each}-linux-gnu/rsyslog`).join(':');
    const args = ['-n', '-f', join(work, 'c.conf'), '-i', join(work, 'pid'), '-M', modules];
    await using agent = new Agent(join(root, 'usr/sbin/rsyslogd'), args, environment);
    await expectOne(name, stored, agent);
  }

  test('rsyslog', needs(noRsyslog), () => runRsyslog(blocks(text, 'rsyslog')[0] ?? '', 'hosts'));

  test('rsyslog over TLS', needs(noRsyslog), () => {
    const own = `DefaultNetstreamDriverCertFile="${files['client.crt']}" DefaultNetstreamDriverKeyFile="${files['client.key']}"`;
    const globals = `DefaultNetstreamDriverCAFile="${files['/etc/tocsin/clients-ca.crt']}" ${own}`;
    return runRsyslog(blocks(text, 'rsyslog-tls')[0] ?? '', 'secure', globals);
  });

  test('syslog-ng', needs(noSyslogNg), async () => {
    const { stored } = await row('hosts');
    const { root, environment } = syslogNg ?? { root: '', environment: {} };
    const work = mkdtempSync(join(folder, 'syslog-ng-'));
    const input = join(work, 'in.log');
    writeFileSync(input, 'one line\n');
    const destination = await local(blocks(text, 'syslog-ng')[0] ?? '', 'hosts');
    const rest = `source s { file("${input}" flags(no-parse) follow-freq(0.1)); };\nlog { source(s); destination(d_tocsin); };\n`;
    writeFileSync(join(work, 'c.conf'), `@version: 3.38\n${destination}${rest}`);
    const state = ['-R', join(work, 'persist'), '-c', join(work, 'ctl'), '-p', join(work, 'pid')];
    const args = ['-F', '--no-caps', `--module-path=${join(root, 'usr/lib/syslog-ng/3.38')}`, '-f', join(work, 'c.conf'), ...state];
    await using agent = new Agent(join(root, 'usr/sbin/syslog-ng'), args, environment);
    await expectOne('hosts', stored, agent);
  });

  test('logger', needs(noLogger), async () => {
    const { stored } = await row('hosts');
    const command = blocks(text, 'sh').find((each) => each.startsWith('logger ')) ?? '';
    execFileSync('sh', ['-c', await local(command, 'hosts')]);
    await expectOne('hosts', stored);
  });
});

describe('docs/how-to/fluentd.md', needs(missing), () => {
  test('its settings open both listeners', async () => {
    const settings = settingsOf(page('fluentd'), { '${env:TOCSIN_FORWARD_KEY}': 'a key' });
    await using program = await Program.start({ settings });
    const { body } = await program.call<{ listeners: ListenerRow[] }>('GET', '/status');
    expect(body.listeners.filter(({ kind }) => kind === 'forward').map(({ name }) => name)).toEqual(['kubernetes', 'apps']);
  });
});
