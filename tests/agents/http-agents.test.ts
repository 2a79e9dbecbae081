/** Real agents of the HTTP doors against the running program, unmodified: every event arrives, once. What cannot be had here is skipped and counted. */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { needs, unlessFound } from '../../packages/ingest/test/needs.ts';
import { Program } from '../e2e/program.ts';
import { notRunnable } from '../faults/not-runnable.ts';
import { waitFor } from '../faults/wait-for.ts';
import { Agent } from './agent-process.ts';
import { unpackDebian } from './debian-program.ts';

const PACKAGES = [
  '@opentelemetry/sdk-logs@0.223.0',
  '@opentelemetry/exporter-logs-otlp-grpc@0.223.0',
  '@opentelemetry/exporter-logs-otlp-http@0.223.0',
  '@opentelemetry/exporter-logs-otlp-proto@0.223.0',
  'splunk-logging',
  '@elastic/elasticsearch',
  'winston',
  'winston-loki',
  'cloudevents',
];
const SENDERS = ['otel-http', 'otel-proto', 'otel-grpc', 'splunk-logging', '@elastic/elasticsearch', 'winston-loki', 'cloudevents'];
const COUNT = 50;
const LINES = 10_000;
const GRPC_PORT = 20_000 + (process.pid % 20_000);

/** Folder with the packages; undefined where they cannot be had. */
function installed(): string | undefined {
  const folder = join(tmpdir(), `tocsin-agents-${process.getuid?.() ?? 0}`, 'npm');
  const done = join(folder, '.installed');
  if (existsSync(done)) return folder;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, 'package.json'), '{"private":true}');
  try {
    execFileSync('npm', ['i', '--ignore-scripts', '--no-audit', ...PACKAGES], { cwd: folder, stdio: 'ignore', timeout: 120_000 });
  } catch {
    return undefined; // no way to the registry
  }
  writeFileSync(done, PACKAGES.join('\n'));
  return folder;
}

const missing = notRunnable();
const folder = missing === undefined ? installed() : undefined;
const rsyslog =
  missing === undefined
    ? unpackDebian('rsyslog-elasticsearch', ['rsyslog', 'rsyslog-elasticsearch', 'libestr0', 'libfastjson4'])
    : undefined;
const noRsyslog = unlessFound(rsyslog, 'rsyslog could not be had as a Debian package');

describe('agents of the HTTP doors', needs(missing), () => {
  const scratch = mkdtempSync(join(tmpdir(), 'tocsin-http-agents-'));
  let program: Program;
  let token = '';
  const sourceEvents = async (name: string): Promise<number> =>
    (await program.call<{ sources: { name: string; events: number }[] }>('GET', '/sources')).body.sources.find((each) => each.name === name)
      ?.events ?? 0;

  beforeAll(async () => {
    program = await Program.start({ settings: `listeners:\n  otlp-grpc:\n    main: { port: ${GRPC_PORT} }\n` });
  });
  afterAll(async () => {
    await program?.[Symbol.asyncDispose]();
    rmSync(scratch, { recursive: true, force: true });
  });

  test.each(SENDERS)('%s', needs(unlessFound(folder, 'the npm packages of the agents could not be had')), async (name) => {
    const source = `npm ${SENDERS.indexOf(name)}`;
    token = await program.addSource(source, 'auto');
    const env = { ...process.env, TOCSIN_URL: program.url, TOCSIN_GRPC: `http://127.0.0.1:${GRPC_PORT}`, TOKEN: token };
    await promisify(execFile)(process.execPath, [join(import.meta.dirname, 'http-senders.mjs'), folder ?? '', name, String(COUNT)], {
      env,
      timeout: 60_000,
    });
    await program.settle();
    await waitFor(async () => ((await sourceEvents(source)) >= COUNT ? true : undefined), {
      what: () => `${COUNT} events of ${name}`,
      withinMs: 15_000,
    });
    expect(await sourceEvents(source)).toBe(COUNT);
  });

  test('rsyslog, by its module for Elasticsearch', needs(noRsyslog), async () => {
    token = await program.addSource('rsyslog', 'auto');
    writeFileSync(join(scratch, 'in.log'), Array.from({ length: LINES }, (_, i) => `line ${i}\n`).join(''));
    const port = new URL(program.url).port;
    writeFileSync(
      join(scratch, 'rsyslog.conf'),
      `global(workDirectory="${scratch}")
module(load="imfile" mode="polling" pollingInterval="1")
module(load="omelasticsearch")
input(type="imfile" File="${join(scratch, 'in.log')}" Tag="app:")
template(name="doc" type="list" option.jsonf="on") {
  property(outname="@timestamp" name="timereported" dateFormat="rfc3339" format="jsonf")
  property(outname="host" name="hostname" format="jsonf")
  property(outname="message" name="msg" format="jsonf")
}
action(type="omelasticsearch" server="127.0.0.1" serverport="${port}" uid="any" pwd="${token}" template="doc" bulkmode="on"
  searchIndex="logs" searchType="" queue.type="linkedlist" queue.dequeuebatchsize="500")
`,
    );
    const root = rsyslog?.root ?? '';
    const modules = join(root, 'usr', 'lib', 'x86_64-linux-gnu', 'rsyslog');
    const args = ['-n', '-f', join(scratch, 'rsyslog.conf'), '-i', join(scratch, 'pid'), '-M', modules];
    await using agent = new Agent(join(root, 'usr', 'sbin', 'rsyslogd'), args, rsyslog?.environment ?? {});
    await waitFor(async () => ((await sourceEvents('rsyslog')) >= LINES ? true : undefined), {
      what: () => `${LINES} lines; it said: ${agent.said}`,
      withinMs: 60_000,
    });
    expect(await sourceEvents('rsyslog')).toBe(LINES);
  });
});
