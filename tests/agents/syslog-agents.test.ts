/** Real senders of syslog against the running program: every line arrives, typed, once. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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

const LINES = 10_000;
const RULE = `title: Failed
id: failed
logsource: { product: linux, service: sshd }
detection: { s: { event_action: failed_password, user|startswith: 'u' }, condition: s }
level: medium
`;

const NAMES = ['rtcp', 'rframed', 'ngtcp', 'ngsyslog', 'tcp', 'rtls', 'ngtls', 'udp'];
const addressFor = (name: string): string => `10.0.0.${NAMES.indexOf(name) + 1}`;
const failure = (name: string, i: number): string => `Failed password for invalid user u${i} from ${addressFor(name)} port 4242 ssh2`;

interface ListenerRow {
  readonly name: string;
  readonly address: string;
  readonly stored: number;
  readonly duplicate: number;
  readonly records: number;
  readonly rejected: Record<string, number>;
  readonly refused: Record<string, number>;
}

const missing = notRunnable() ?? unlessFound(hasOpenssl(), 'needs openssl to make certificates');
const rsyslog = unpackRsyslog();
const noRsyslog = unlessFound(rsyslog, 'rsyslog could not be had as a Debian package');
const syslogNg = unpackSyslogNg();
const noSyslogNg = unlessFound(syslogNg, 'syslog-ng could not be had as a Debian package');
const logger = findProgram('logger');
const noLogger = unlessFound(logger, 'needs the program logger');

describe('syslog agents', needs(missing), () => {
  const folder = mkdtempSync(join(tmpdir(), 'tocsin-agents-test-'));
  let program: Program;
  let authority: TestAuthority;
  let client: { cert: string; key: string };

  beforeAll(async () => {
    authority = new TestAuthority(folder);
    const server = authority.sign({ name: 'server', subject: '/CN=tocsin.example', names: 'DNS:tocsin.example,IP:127.0.0.1' });
    client = authority.sign({ name: 'client', subject: '/CN=web1', names: 'DNS:web1.example' });
    const listener = (name: string, more: string): string => `    ${name}: { port: 0, ${more}sources: { local: { source: ${name}, `;
    const tls = `transport: tls, tls: { cert: ${server.cert}, key: ${server.key}, ca: ${authority.cert} }, `;
    const peers = 'peers: [127.0.0.1] } } }\n';
    const identity = 'clients: ["dns:web1.example"] } } }\n';
    const settings = ['listeners:\n  syslog:\n'];
    for (const name of ['rtcp', 'rframed', 'ngtcp', 'ngsyslog', 'tcp']) settings.push(listener(name, ''), peers);
    for (const name of ['rtls', 'ngtls']) settings.push(listener(name, tls), identity);
    settings.push(listener('udp', 'transport: udp, '), peers);
    program = await Program.start({ settings: settings.join(''), rules: { 'failed.yml': RULE } });
    for (const name of NAMES) await program.addSource(name, 'syslog');
  });
  afterAll(async () => {
    await program?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  /** A file of lines that tell by their address for which source they were made. */
  function inputFor(name: string): string {
    const path = join(folder, `${name}.log`);
    const line = (i: number): string => `${failure(name, i)}\n`;
    writeFileSync(path, Array.from({ length: LINES }, (_, i) => line(i)).join(''));
    return path;
  }

  async function listenerOf(name: string): Promise<ListenerRow> {
    const { body } = await program.call<{ listeners: ListenerRow[] }>('GET', '/status');
    const found = body.listeners.find((each) => each.name === name);
    if (found === undefined) throw new Error(`no listener ${name}`);
    return found;
  }
  const portOf = async (name: string): Promise<string> => new URL((await listenerOf(name)).address).port;

  /** Every line stored, judged as what it is, once. */
  async function expectAll(name: string, agent: Agent, lines = LINES): Promise<void> {
    await waitFor(
      async () => {
        if (!agent.isRunning) throw new Error(`it ended:\n${agent.said}`);
        return (await listenerOf(name)).stored >= lines || undefined;
      },
      {
        what: () => `${lines} lines from ${name}; it said:\n${agent.said.slice(0, 2000)}\n${program.stderr.slice(-2000)}`,
        withinMs: 60_000,
      },
    );
    expect(await listenerOf(name)).toMatchObject({ records: lines, stored: lines, duplicate: 0, rejected: {}, refused: {} });
    await program.settle();
    expect(await judged(name)).toBe(lines);
  }

  /** Events that the rule has found of a source. */
  async function judged(name: string): Promise<number> {
    const mine = (await program.alerts('?rule=failed')).filter((alert) => alert.groupBy['ip'] === addressFor(name));
    return mine.reduce((sum, alert) => sum + alert.count, 0);
  }

  async function runRsyslog(name: string, action: string, globals = ''): Promise<Agent> {
    const { root, environment } = rsyslog ?? { root: '', environment: {} };
    const work = mkdtempSync(join(folder, 'rsyslog-'));
    const config = join(work, 'rsyslog.conf');
    writeFileSync(
      config,
      `global(workDirectory="${work}" localHostname="${name}" ${globals})
module(load="imfile")
input(type="imfile" File="${inputFor(name)}" Tag="sshd:" Severity="info" Facility="auth")
action(type="omfwd" target="127.0.0.1" port="${await portOf(name)}" protocol="tcp" ${action})
`,
    );
    const modules = `${root}/usr/lib/x86_64-linux-gnu/rsyslog:${root}/usr/lib/aarch64-linux-gnu/rsyslog`;
    return new Agent(join(root, 'usr/sbin/rsyslogd'), ['-n', '-f', config, '-i', join(work, 'pid'), '-M', modules], environment);
  }

  test('rsyslog over TCP, lines', needs(noRsyslog), async () => {
    await using agent = await runRsyslog('rtcp', 'TCP_Framing="traditional" template="RSYSLOG_TraditionalForwardFormat"');
    await expectAll('rtcp', agent);
  });

  test('rsyslog over TCP, counted, RFC 5424', needs(noRsyslog), async () => {
    await using agent = await runRsyslog('rframed', 'TCP_Framing="octet-counted" template="RSYSLOG_SyslogProtocol23Format"');
    await expectAll('rframed', agent);
  });

  test('rsyslog over TLS, known by its certificate', needs(noRsyslog), async () => {
    const files = `DefaultNetstreamDriverCAFile="${authority.cert}" DefaultNetstreamDriverCertFile="${client.cert}" DefaultNetstreamDriverKeyFile="${client.key}"`;
    const driver = 'StreamDriver="ossl" StreamDriverMode="1" StreamDriverAuthMode="x509/name" StreamDriverPermittedPeers="tocsin.example"';
    await using agent = await runRsyslog('rtls', `${driver} TCP_Framing="octet-counted"`, files);
    await expectAll('rtls', agent);
  });

  async function runSyslogNg(name: string, destination: (port: string) => string): Promise<Agent> {
    const { root, environment } = syslogNg ?? { root: '', environment: {} };
    const work = mkdtempSync(join(folder, 'syslog-ng-'));
    const config = join(work, 'syslog-ng.conf');
    writeFileSync(
      config,
      `@version: 3.38
source s { file("${inputFor(name)}" flags(no-parse) program-override("sshd") follow-freq(0.1)); };
destination d { ${destination(await portOf(name))} };
log { source(s); destination(d); flags(flow-control); };
`,
    );
    const modules = join(root, 'usr/lib/syslog-ng/3.38');
    const state = ['-R', join(work, 'persist'), '-c', join(work, 'ctl'), '-p', join(work, 'pid')];
    return new Agent(
      join(root, 'usr/sbin/syslog-ng'),
      ['-F', '--no-caps', `--module-path=${modules}`, '-f', config, ...state],
      environment,
    );
  }

  test('syslog-ng over TCP, lines', needs(noSyslogNg), async () => {
    await using agent = await runSyslogNg('ngtcp', (port) => `network("127.0.0.1" port(${port}) transport("tcp"));`);
    await expectAll('ngtcp', agent);
  });

  test('syslog-ng over TCP, RFC 5424', needs(noSyslogNg), async () => {
    await using agent = await runSyslogNg('ngsyslog', (port) => `syslog("127.0.0.1" port(${port}) transport("tcp"));`);
    await expectAll('ngsyslog', agent);
  });

  test('syslog-ng over TLS, known by its certificate', needs(noSyslogNg), async () => {
    const tls = `tls(ca-file("${authority.cert}") cert-file("${client.cert}") key-file("${client.key}"))`;
    await using agent = await runSyslogNg('ngtls', (port) => `syslog("127.0.0.1" port(${port}) transport("tls") ${tls});`);
    await expectAll('ngtls', agent);
  });

  test('logger, in every form it has', needs(noLogger), async () => {
    const run = async (name: string, ...args: string[]): Promise<void> => {
      const to = ['-n', '127.0.0.1', '-P', await portOf(name), '-t', 'sshd', '-p', 'auth.info'];
      execFileSync(logger ?? '', [...to, ...args, failure(name, 1)]);
    };
    await run('tcp', '-T', '--rfc3164');
    await run('tcp', '-T', '--rfc5424');
    await run('tcp', '-T', '--octet-count');
    await run('udp', '-d', '--rfc3164');
    await run('udp', '-d', '--rfc5424');
    const stored = async (): Promise<number[]> => Promise.all(['tcp', 'udp'].map(async (name) => (await listenerOf(name)).stored));
    await waitFor(async () => String(await stored()) === '3,2' || undefined, { what: () => '3 and 2 lines of logger', withinMs: 10_000 });
    await program.settle();
    expect([await judged('tcp'), await judged('udp')]).toEqual([3, 2]);
  });
});
