/**
 * `node http-senders.mjs FOLDER NAME COUNT`: sends COUNT events with an agent from the registry, as its own documentation says to use it. FOLDER holds the
 * packages; the program's address and token are in TOCSIN_URL, TOCSIN_GRPC and TOKEN. Plain JavaScript: the agents are not among the dependencies.
 */
import { createRequire } from 'node:module';
import { setTimeout as pause } from 'node:timers/promises';

const [folder, name, total] = process.argv.slice(2);
const count = Number(total);
const { TOCSIN_URL: url, TOCSIN_GRPC: grpcUrl, TOKEN: token } = process.env;
const require = createRequire(`${folder}/package.json`);
const numbers = Array.from({ length: count }, (_, i) => i);

async function openTelemetry(kind) {
  const { LoggerProvider, BatchLogRecordProcessor } = require('@opentelemetry/sdk-logs');
  const { OTLPLogExporter } = require(`@opentelemetry/exporter-logs-otlp-${kind}`);
  const authorization = `Bearer ${token}`;
  let options = { url: `${url}/v1/logs`, headers: { authorization } };
  if (kind === 'grpc') {
    const { Metadata } = require('@grpc/grpc-js');
    const metadata = new Metadata();
    metadata.set('authorization', authorization);
    options = { url: grpcUrl, metadata };
  }
  const provider = new LoggerProvider({ processors: [new BatchLogRecordProcessor({ exporter: new OTLPLogExporter(options) })] });
  const logger = provider.getLogger('tests');
  for (const i of numbers) logger.emit({ body: `event ${i}`, severityNumber: 9, attributes: { agent: name, i } });
  await provider.shutdown();
}

const senders = {
  'otel-http': () => openTelemetry('http'),
  'otel-proto': () => openTelemetry('proto'),
  'otel-grpc': () => openTelemetry('grpc'),
  async 'splunk-logging'() {
    const { Logger } = require('splunk-logging');
    const logger = new Logger({ token, url, maxBatchCount: 10 });
    await new Promise((resolve, reject) => {
      let stored = 0;
      logger.error = reject;
      const heard = (error, _answer, body) => {
        if (error || body.code !== 0) reject(error ?? new Error(JSON.stringify(body)));
        stored += 10;
        if (stored >= count) resolve();
      };
      for (const i of numbers) logger.send({ message: { agent: name, i }, metadata: { sourcetype: 'test' } }, heard);
    });
  },
  async '@elastic/elasticsearch'() {
    const { Client } = require('@elastic/elasticsearch');
    const client = new Client({ node: url, auth: { username: 'any', password: token } });
    await client.info();
    const datasource = numbers.map((i) => ({ agent: name, i }));
    for (const expected of [0, count]) {
      const { failed } = await client.helpers.bulk({
        datasource,
        onDocument: ({ i }) => ({ create: { _index: 'logs', _id: `es-${i}` } }),
        onDrop: () => undefined,
      });
      if (failed !== expected) throw new Error(`${failed} failed, not ${expected}`);
    }
  },
  async 'winston-loki'() {
    const winston = require('winston');
    const LokiTransport = require('winston-loki');
    const lost = [];
    const transport = new LokiTransport({
      host: url,
      basicAuth: `any:${token}`,
      labels: { agent: name },
      interval: 1,
      json: true,
      format: winston.format.json(),
      onConnectionError: (error) => lost.push(error),
    });
    const logger = winston.createLogger({ transports: [transport] });
    for (const i of numbers) logger.info('event', { i });
    await transport.flush();
    await pause(1500);
    if (lost.length > 0) throw lost[0];
  },
  async cloudevents() {
    const { CloudEvent, HTTP } = require('cloudevents');
    for (const i of numbers) {
      const { headers, body } = HTTP[i % 2 === 0 ? 'binary' : 'structured'](
        new CloudEvent({ source: '/test', type: 'test', data: { agent: name, i } }),
      );
      const answer = await fetch(`${url}/api/v1/events`, {
        method: 'POST',
        headers: { ...headers, authorization: `Bearer ${token}` },
        body,
      });
      if (answer.status !== 202) throw new Error(`${answer.status} ${await answer.text()}`);
    }
  },
};

await senders[name]();
// oxlint-disable-next-line no-process-exit -- R15: agents keep connections and timers open after their last event.
process.exit(0);
