/** The runner over a real server: what waits while the other side hangs is delivered only when there is somebody to try it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { openNatsBus, startNatsServer } from '@tocsin/bus/nats';
import { systemClock } from '@tocsin/core';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { roomy, running, until } from '../../test/ground.ts';
import { createDrop } from '../deadletters/drop.ts';
import { alertSubject } from '../subjects.ts';
import { topology } from '../topology.ts';
import { type EffectConsumer, runEffects } from './effect-runner.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tocsin-effects-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const ALERTS = 100;
const ACK_WAIT_MS = 200;
/** Many more ack waits than a message has attempts. */
const OUTAGE_MS = 14 * ACK_WAIT_MS;

it('makes no dead letter of what it has not tried, when it starts again after the other side hung and many waited', async () => {
  const declared = topology(roomy);
  await using server = await startNatsServer({
    directory,
    site: 'effects-site',
    binary: { environment: process.env['TOCSIN_NATS_SERVER'], path: process.env['PATH'] ?? '' },
    duties: { all: { publish: ['tocsin.>'], subscribe: ['tocsin.>'] } },
    topology: declared,
    log: () => undefined,
  });
  const open = (duty: string) =>
    openNatsBus({ servers: server.url, credential: server.credential(duty), site: 'effects-site', name: duty, commitTimeoutMs: 10_000 });
  await using admin = await open('admin');
  await admin.ensure(declared);
  await using bus = await open('all');

  const tried = new Set<string>();
  const dropped: string[] = [];
  let isHanging = true;
  const consumer: EffectConsumer = {
    name: 'hangs',
    filter: 'tocsin.alerts.acme.*',
    tenantOf: () => 'acme',
    async handle({ id }, signal) {
      if (isHanging) await aborted(signal);
      else tried.add(id);
    },
  };
  const onTrouble = (): void => undefined;
  const start = (giveUp: AbortSignal): ReturnType<typeof running> => {
    const drop = createDrop({ bus, clock: systemClock, onTrouble, giveUp, onDrop: (letter) => dropped.push(letter.messageId) });
    const ways = { bus, drop, clock: systemClock, random: () => 0.5, onTrouble, giveUp, ackWaitMs: ACK_WAIT_MS };
    return running((signal) => runEffects(consumer, { ...ways, signal }));
  };
  const giveUp = new AbortController();
  const before = start(giveUp.signal);
  await until(async () => (await bus.info('tocsin.alerts.>')).consumers.length === 1);
  const alerts = Array.from({ length: ALERTS }, (_, i) => ({
    subject: alertSubject('acme', `a${i}`),
    id: `m${i}`,
    body: Buffer.from('{}'),
  }));
  await bus.commit(alerts, { asUnit: false });
  // That time passes is what is tested.
  await setTimeout(OUTAGE_MS);
  giveUp.abort();
  await before.stop();

  isHanging = false;
  const after = start(new AbortController().signal);
  await until(() => tried.size + dropped.length >= ALERTS, 30_000);
  await after.stop();
  expect(dropped).toEqual([]);
  expect(tried.size).toBe(ALERTS);
});

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
