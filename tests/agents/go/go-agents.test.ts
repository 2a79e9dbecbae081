/** The OpenTelemetry Collector and Telegraf against the running program, one door after the other: 10,000 lines each, all there, typed, once. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { needs, unlessFound } from '../../../packages/ingest/test/needs.ts';
import { Program } from '../../e2e/program.ts';
import { notRunnable } from '../../faults/not-runnable.ts';
import { waitFor } from '../../faults/wait-for.ts';
import { Agent } from '../agent-process.ts';
import { builtGoAgent } from './go-agents.ts';

const LINES = 10_000;
const BATCH = 500;
const PORT = 20_000 + (process.pid % 20_000);
const RULE = `title: Failed
id: failed
logsource: { product: linux, service: sshd }
detection: { s: { event_action: failed_password, user|startswith: 'u' }, condition: s }
level: medium
`;
const ROUTES = ['otlp-http', 'otlp-grpc', 'bulk', 'hec', 'json', 'tele-loki', 'tele-bulk', 'tele-syslog', 'tele-mqtt'] as const;
type Route = (typeof ROUTES)[number];
/** Sent one by one, each waiting for the answer to the one before: a commit each, so fewer. */
const SINGLY: ReadonlySet<string> = new Set(['hec', 'tele-mqtt']);
const linesOf = (route: string): number => (SINGLY.has(route) ? LINES / 10 : LINES);
/** Telegraf writes these in a form of its own (`message="…"`, a document in a document): stored as they are, known as nothing. */
const UNTYPED: ReadonlySet<Route> = new Set(['tele-loki', 'tele-bulk']);
const addressFor = (route: Route): string => `10.0.1.${ROUTES.indexOf(route) + 1}`;
const failure = (route: Route, i: number): string => `Failed password for invalid user u${i} from ${addressFor(route)} port 4242 ssh2`;
const line = (route: Route, i: number): string => `Nov 21 10:00:00 web1 sshd[77]: ${failure(route, i)}`;

const missing = notRunnable();
const otelcol = builtGoAgent('otelcol');
const telegraf = builtGoAgent('telegraf');
const noOtelcol = unlessFound(otelcol, 'the OpenTelemetry Collector was not built: npm run agents');
const noTelegraf = unlessFound(telegraf, 'Telegraf was not built: npm run agents');

describe('agents built from Go (npm run agents)', needs(missing, noOtelcol && noTelegraf), () => {
  const folder = mkdtempSync(join(tmpdir(), 'tocsin-go-agents-'));
  let program: Program;
  const tokens = new Map<Route, string>();
  beforeAll(async () => {
    const listeners = `listeners:
  otlp-grpc: { main: { port: ${PORT} } }
  syslog: { main: { port: ${PORT + 1}, sources: { local: { source: tele-syslog, peers: [127.0.0.1] } } } }
  mqtt: { main: { port: ${PORT + 2} } }
`;
    program = await Program.start({ settings: listeners, rules: { 'failed.yml': RULE } });
    for (const route of ROUTES) tokens.set(route, await program.addSource(route, 'auto'));
  });
  afterAll(async () => {
    await program?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  async function eventsOf(route: Route): Promise<{ events: number; duplicates: number }> {
    const { body } = await program.call<{ sources: { name: string; events: number; duplicates: number }[] }>('GET', '/sources');
    return body.sources.find(({ name }) => name === route) ?? { events: 0, duplicates: 0 };
  }

  async function expectAll(route: Route, agent: Agent): Promise<void> {
    await waitFor(
      async () => {
        if (!agent.isRunning) throw new Error(`it ended:\n${agent.said.slice(-3000)}`);
        return (await eventsOf(route)).events >= linesOf(route) || undefined;
      },
      {
        what: () => `${linesOf(route)} lines by ${route}; it said:\n${agent.said.slice(-2000)}\n${program.stderr.slice(-1500)}`,
        withinMs: 60_000,
      },
    );
    await program.settle();
    expect(await eventsOf(route)).toMatchObject({ events: linesOf(route), duplicates: 0 });
    if (UNTYPED.has(route)) return;
    const found = (await program.alerts('?rule=failed')).filter(({ groupBy }) => groupBy['ip'] === addressFor(route));
    expect(found.reduce((sum, { count }) => sum + count, 0)).toBe(linesOf(route));
  }

  const EXPORTERS: Readonly<Partial<Record<Route, (token: string) => string>>> = {
    'otlp-http': (token) => `otlphttp: { endpoint: "${program.url}", headers: { authorization: "Bearer ${token}" } }`,
    'otlp-grpc': (token) =>
      `otlp: { endpoint: "127.0.0.1:${PORT}", tls: { insecure: true }, headers: { authorization: "Bearer ${token}" } }`,
    bulk: (token) =>
      `elasticsearch: { endpoints: ["${program.url}"], user: tocsin, password: "${token}", logs_index: logs, mapping: { mode: ecs } }`,
  };

  test.each(['otlp-http', 'otlp-grpc', 'bulk'] as const)('OpenTelemetry Collector: %s', needs(noOtelcol), async (route) => {
    const receiver = PORT + 10 + ROUTES.indexOf(route);
    const exporter = EXPORTERS[route]?.(tokens.get(route) ?? '') ?? '';
    const config = join(folder, `${route}.yaml`);
    writeFileSync(
      config,
      `receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:${receiver}" } } } }
exporters: { ${exporter} }
service:
  telemetry: { metrics: { level: none } }
  pipelines: { logs: { receivers: [otlp], exporters: [${exporter.slice(0, exporter.indexOf(':'))}] } }
`,
    );
    await using agent = new Agent(otelcol ?? '', ['--config', `file:${config}`]);
    for (let from = 0; from < LINES; from += BATCH) await feed(receiver, route, from, agent);
    await expectAll(route, agent);
  });

  /** Gives the collector lines as a program with its SDK does. */
  async function feed(port: number, route: Route, from: number, agent: Agent): Promise<void> {
    const records = Array.from({ length: BATCH }, (_, i) => ({
      timeUnixNano: `${1_700_000_000 + from + i}000000000`,
      body: { stringValue: line(route, from + i) },
    }));
    const body = JSON.stringify({ resourceLogs: [{ resource: { attributes: [] }, scopeLogs: [{ scope: {}, logRecords: records }] }] });
    await waitFor(
      async () => {
        if (!agent.isRunning) throw new Error(`it ended:\n${agent.said.slice(-3000)}`);
        const headers = { 'content-type': 'application/json' };
        // Until it listens there is nobody to answer.
        return (
          (await fetch(`http://127.0.0.1:${port}/v1/logs`, { method: 'POST', headers, body }).then(({ ok }) => ok, isRefused)) || undefined
        );
      },
      { what: () => `the collector to take lines; it said:\n${agent.said.slice(-2000)}`, withinMs: 30_000 },
    );
  }

  // Its template serializer refuses what its tail reads ("not a template metric"), so JSON is reshaped.
  const json = (transformation: string, isBatch: boolean): string =>
    `data_format = "json"\n  use_batch_format = ${isBatch}\n  json_transformation = '''${transformation}'''`;
  const OUTPUTS: Readonly<Partial<Record<Route, (token: string) => string>>> = {
    hec: (token) => `[[outputs.http]]
  url = "${program.url}/services/collector"
  ${json('{"event": fields.message}', false)}
  [outputs.http.headers]
    Authorization = "Splunk ${token}"`,
    json: (token) => `[[outputs.http]]
  url = "${program.url}/api/v1/events"
  ${json('metrics.{"message": fields.message}', true)}
  [outputs.http.headers]
    Authorization = "Bearer ${token}"
    Content-Type = "application/json"`,
    'tele-loki': (token) => `[[outputs.loki]]
  domain = "${program.url}"
  username = "tocsin"
  password = "${token}"`,
    'tele-bulk': (token) => `[[outputs.elasticsearch]]
  urls = ["${program.url}"]
  username = "tocsin"
  password = "${token}"
  index_name = "logs"
  manage_template = false`,
    'tele-syslog': () => `[[outputs.syslog]]
  address = "tcp://127.0.0.1:${PORT + 1}"
  default_appname = "sshd"`,
    'tele-mqtt': (token) => `[[outputs.mqtt]]
  servers = ["mqtt://127.0.0.1:${PORT + 2}"]
  topic = "tele-mqtt/logs"
  qos = 1
  username = "tocsin"
  password = "${token}"
  layout = "non-batch"
  ${json('{"message": fields.message}', false).replace(/ {2}use_batch.*\n/, '')}`,
  };

  test.each(Object.keys(OUTPUTS) as Route[])('Telegraf: %s', needs(noTelegraf), async (route) => {
    const input = join(folder, `${route}.log`);
    const text = route === 'tele-syslog' ? failure : line;
    writeFileSync(input, Array.from({ length: linesOf(route) }, (_, i) => `${text(route, i)}\n`).join(''));
    const config = join(folder, `${route}.conf`);
    writeFileSync(
      config,
      `[agent]
  interval = "1s"
  flush_interval = "1s"
  metric_batch_size = 500
  metric_buffer_limit = 20000
  omit_hostname = true
[[inputs.tail]]
  files = ["${input}"]
  from_beginning = true
  watch_method = "poll"
  data_format = "value"
  data_type = "string"
  value_field_name = "${route === 'tele-syslog' ? 'msg' : 'message'}"
  max_undelivered_lines = 1000
  path_tag = ""
${OUTPUTS[route]?.(tokens.get(route) ?? '')}
`,
    );
    await using agent = new Agent(telegraf ?? '', ['--config', config]);
    await expectAll(route, agent);
  });
});

/** Whether a request failed because nobody listens yet; any other failure is one. */
function isRefused(error: unknown): false {
  const { cause } = error as { cause?: { code?: string } };
  if (cause?.code === 'ECONNREFUSED') return false;
  throw error;
}
