/** Real clients of MQTT against the whole product, and the page about it: its snippets, with addresses and files of this machine put in. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { needs, unlessFound } from '../../packages/ingest/test/needs.ts';
import { hasOpenssl, TestAuthority } from '../../packages/ingest/test/test-certificates.ts';
import { Program } from '../e2e/program.ts';
import { notRunnable } from '../faults/not-runnable.ts';
import { waitFor } from '../faults/wait-for.ts';
import { unpackMosquitto } from './debian-program.ts';

interface ListenerRow {
  readonly name: string;
  readonly address: string;
  readonly stored: number;
  readonly duplicate: number;
  readonly refused: Readonly<Record<string, number>>;
}

const text = readFileSync(join(import.meta.dirname, '../../docs/how-to/mqtt.md'), 'utf8');
const missing = notRunnable() ?? unlessFound(hasOpenssl(), 'needs openssl to make certificates');
const mosquitto = unpackMosquitto();
const noMosquitto = unlessFound(mosquitto, 'mosquitto could not be had as a Debian package');

/** The fenced blocks of a language, in order. */
function blocks(language: string): string[] {
  return [...text.matchAll(/^```(\S+)\n([\s\S]*?)^```$/gm)].filter(([, name]) => name === language).map(([, , body = '']) => body);
}

describe('MQTT', needs(missing), () => {
  const folder = mkdtempSync(join(tmpdir(), 'tocsin-mqtt-'));
  let program: Program;
  let token: string;
  let other: string;
  const files: Record<string, string> = {};
  beforeAll(async () => {
    const authority = new TestAuthority(folder);
    const server = authority.sign({ name: 'server', subject: '/CN=localhost', names: 'DNS:localhost' });
    const gate = authority.sign({ name: 'gate', subject: '/CN=gate1', names: 'DNS:gate1.example' });
    Object.assign(files, {
      '/etc/tocsin/tls.crt': server.cert,
      '/etc/tocsin/tls.key': server.key,
      '/etc/tocsin/clients-ca.crt': authority.cert,
    });
    const [first = '', second = ''] = blocks('yaml');
    let settings = first.trimEnd() + '\n' + second.split('\n').slice(2).join('\n');
    for (const [from, to] of Object.entries({ '0.0.0.0': '127.0.0.1', ...files })) settings = settings.replaceAll(from, to);
    Object.assign(files, { 'ca.crt': authority.cert, 'gate1.crt': gate.cert, 'gate1.key': gate.key });
    program = await Program.start({ settings: settings.replaceAll(/port: \d+/g, 'port: 0') });
    token = await program.addSource('sensors');
    other = await program.addSource('cameras');
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

  async function portOf(name: string): Promise<string> {
    return new URL((await row(name)).address).port;
  }

  async function connected(version: 4 | 5, password = token): Promise<MqttClient> {
    return connectAsync(`mqtt://127.0.0.1:${await portOf('devices')}`, {
      username: 'x',
      password,
      protocolVersion: version,
      reconnectPeriod: 0,
    });
  }

  /** Runs a command of the page against a listener of this machine. */
  async function run(command: string, name: string): Promise<void> {
    const { root = '', environment = {} } = mosquitto ?? {};
    let local = command.replaceAll('tocsin.example', 'localhost').replaceAll(/-p (1883|8883)/g, `-p ${await portOf(name)}`);
    for (const file of ['ca.crt', 'gate1.crt', 'gate1.key']) local = local.replace(` ${file}`, ` ${files[file]}`);
    execFileSync('sh', ['-c', local], {
      env: { ...process.env, ...environment, TOKEN: token, PATH: `${root}/usr/bin:${process.env['PATH']}` },
      timeout: 20_000,
    });
  }

  test('mosquitto_pub, with a token and with a certificate', needs(noMosquitto), async () => {
    const [, plain = '', certified = ''] = blocks('sh');
    const before = [(await row('devices')).stored, (await row('secure')).stored];
    await run(plain, 'devices');
    await run(plain.replace('mosquitto_pub', 'mosquitto_pub -V 5'), 'devices');
    await run(certified, 'secure');
    expect([(await row('devices')).stored, (await row('secure')).stored]).toEqual([(before[0] ?? 0) + 2, (before[1] ?? 0) + 1]);
  });

  test('mosquitto_pub with a wrong token is refused', needs(noMosquitto), async () => {
    const [, plain = ''] = blocks('sh');
    await expect(run(plain.replace('"$TOKEN"', 'wrong'), 'devices')).rejects.toThrow();
    expect((await row('devices')).refused['auth.refused']).toBeGreaterThan(0);
  });

  test('the snippet for Node.js', async () => {
    const before = (await row('devices')).stored;
    const script = join(import.meta.dirname, `mqtt-snippet-${process.pid}.mjs`);
    const body = (blocks('js')[0] ?? '').replace('tocsin.example:1883', `127.0.0.1:${await portOf('devices')}`);
    writeFileSync(script, `import { connectAsync } from 'mqtt';\n${body}`);
    try {
      execFileSync(process.execPath, [script], { env: { ...process.env, TOKEN: token }, timeout: 20_000 });
    } finally {
      rmSync(script);
    }
    expect((await row('devices')).stored).toBe(before + 1);
  });

  test.each([4, 5] as const)(
    'version %s: 1,000 messages at each QoS arrive once',
    async (version) => {
      const before = (await row('devices')).stored;
      const client = await connected(version);
      for (const qos of [0, 1, 2] as const)
        await Promise.all(Array.from({ length: 1000 }, (_, i) => client.publishAsync('sensors/log', JSON.stringify({ i, qos }), { qos })));
      await client.endAsync();
      await waitFor(async () => (await row('devices')).stored >= before + 3000 || undefined, {
        what: () => '3,000 messages',
        withinMs: 20_000,
      });
      expect((await row('devices')).stored).toBe(before + 3000);
    },
    60_000,
  );

  test('one device cannot publish as another, and nothing of it is stored', async () => {
    const before = (await row('devices')).stored;
    const camera = await connected(5, other);
    await expect(camera.publishAsync('sensors/log', '{"canary":1}', { qos: 1 })).rejects.toThrow(/Not authorized/);
    await camera.endAsync();
    expect((await row('devices')).stored).toBe(before);
  });

  test('a device hears what is sent down to it, and what was retained', async () => {
    const device = await connected(5);
    const heard: string[] = [];
    device.on('message', (topic, payload) => void heard.push(`${topic} ${payload.toString()}`));
    const sender = await connected(4);
    await sender.publishAsync('sensors/down/gate1/config', '{"rate":5}', { qos: 1, retain: true });
    await device.subscribeAsync('sensors/down/gate1/#', { qos: 1 });
    await sender.publishAsync('sensors/down/gate1', '{"do":"reboot"}', { qos: 1 });
    await waitFor(async () => heard.length === 2 || undefined, { what: () => heard.join(), withinMs: 10_000 });
    expect(heard).toEqual(['sensors/down/gate1/config {"rate":5}', 'sensors/down/gate1 {"do":"reboot"}']);
    await Promise.all([device.endAsync(), sender.endAsync()]);
  });
});
