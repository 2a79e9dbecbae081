/** What devices of one source may take of what is there for all: sessions, waiting bytes, memory of what was sent. */
import { readSettings } from '@tocsin/core/setting';
import { expect, test } from 'vitest';
import { stillClock } from '../../../test/framer-fixture.ts';
import { ByteGauge } from '../byte-gauge.ts';
import { ListenerCounts } from '../listener-counts.ts';
import type { Device } from './device-identity.ts';
import { DownlinkBudget } from './downlink-budget.ts';
import type { SessionLink } from './mqtt-session.ts';
import { MqttSessions } from './mqtt-sessions.ts';
import { mqttSettings } from './mqtt-settings.ts';
import { type Outcome, PublishIntake } from './publish-intake.ts';
import { ResendMemory } from './resend-memory.ts';

const deviceOf = (key: string): Device => ({
  key,
  prefix: key,
  source: { tenant: 't', name: key, format: 'json', lane: 'live', shard: '' },
});
const link = (): SessionLink => ({ receiveMaximum: 1, maxPacketBytes: 1 << 20, publish: () => undefined, leave: () => undefined });

test('a source that connects under ever new client ids ends its own sessions, not those of others', () => {
  const settings = readSettings(mqttSettings, { port: 1, maxSessions: 10 }, { file: 'test' });
  using sessions = new MqttSessions(settings, { clock: stillClock, counts: new ListenerCounts() });
  const leave = (device: string, clientId: string): boolean => {
    const at = link();
    const { session, isKnown } = sessions.attach(deviceOf(device), at, { clientId, isClean: false, expiryMs: 60_000 });
    sessions.detach(session, at);
    return isKnown;
  };
  for (let i = 0; i < 4; i++) leave('quiet', `q${i}`);
  for (let i = 0; i < 100; i++) leave('greedy', `g${i}`);
  expect([0, 1, 2, 3].map((i) => leave('quiet', `q${i}`))).toEqual([true, true, true, true]);
  // Of its own, the ones longest gone ended.
  expect([leave('greedy', 'g99'), leave('greedy', 'g93')]).toEqual([true, false]);
});

test('a source leaves as much of the bytes for devices as it takes, and what it gives back others may take', () => {
  const counts = new ListenerCounts();
  const budget = new DownlinkBudget(10_000, counts);
  const message = { topic: '', payload: new Uint8Array(744) };
  const fill = (source: string): number => {
    const share = budget.of(source);
    for (let taken = 0; ; taken++) if (!share.take(message)) return taken;
  };
  expect([fill('a'), fill('b'), fill('a'), fill('c')]).toEqual([5, 3, 0, 1]);
  const share = budget.of('a');
  for (let i = 0; i < 5; i++) share.give(message);
  expect([budget.used, fill('b')]).toEqual([4000, 2]);
});

test('clients that send nothing to remember are not held, whatever they are called', () => {
  let ids = 0;
  const memory = new ResendMemory(() => `id${ids++}`);
  for (let i = 0; i < 10_000; i++) memory.of(`random ${i}`);
  expect(memory.size).toBe(0);
  const sent = { packetId: 1, isResend: false, topic: 't', payload: Buffer.from('x') };
  const first = memory.of('device').idOf(sent);
  expect(memory.of('device').idOf({ ...sent, isResend: true })).toBe(first);
  expect(memory.size).toBe(1);
  // Two connections of one client before either sent: the one that has it now is remembered.
  const [gone, now] = [memory.of('taken over'), memory.of('taken over')];
  const id = now.idOf(sent);
  gone.idOf({ ...sent, packetId: 2 });
  expect([memory.size, memory.of('taken over').idOf({ ...sent, isResend: true })]).toEqual([2, id]);
});

test('a connection that cannot hear what became of a message does not keep others from hearing it', async () => {
  const heard: Outcome[] = [];
  const troubles: string[] = [];
  const context = {
    name: 'mqtt/one',
    counts: new ListenerCounts(),
    onTrouble: (_error: unknown, what: string) => void troubles.push(what),
    emit: async () => [{ status: 'stored', id: 'a', at: {} as never } as const, { status: 'stored', id: 'b', at: {} as never } as const],
  };
  const limits = { gauge: new ByteGauge(1 << 20), maxMessages: 10, maxBytes: 1 << 20, onRoom: () => undefined, onRefused: () => undefined };
  await using intake = new PublishIntake({ context, ...limits });
  const { source } = deviceOf('d');
  const publication = { source, payload: Buffer.from('x'), envelope: {} };
  intake.take({
    ...publication,
    id: 'a',
    onEnd: () => {
      throw new Error('database is full');
    },
  });
  intake.take({ ...publication, id: 'b', onEnd: (outcome) => void heard.push(outcome) });
  await intake.idle();
  expect([heard, troubles]).toEqual([['stored'], ['mqtt/one: answering a message']]);
});
