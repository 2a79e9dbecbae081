/** The quick fault runs on the built program: kills, pauses and broken connections; and power losses where the machine allows them. */
import { expect, test } from 'vitest';
import { notRunnable } from './not-runnable.ts';
import { quickPlan } from './quick-plan.ts';
import { explain, runFaults } from './scenario.ts';
import { openVolume } from './volume.ts';

const seed = 11;

test('kill -9 and SIGSTOP of nats-server and of Tocsin, connections broken: nothing acked is lost, every alert is there once', async (context) => {
  const missing = notRunnable();
  if (missing !== undefined) context.skip(missing);
  const result = await runFaults(quickPlan(seed));
  expect(result.isSound, explain(result)).toBe(true);
  expect(result).toMatchObject({ attempted: 10_000, acked: 10_000 });
  expect(result.faults).toHaveLength(14);
  expect(result.expectedAlerts, 'alerts compared').toBeGreaterThan(100);
}, 180_000);

test('partitions between Tocsin and its bus, clocks that are set: nothing acked is lost, every alert is there once', async (context) => {
  const missing = notRunnable();
  if (missing !== undefined) context.skip(missing);
  const links = { 'bus link cut': 4, 'bus link stalled': 1, 'bus requests lost': 1, 'bus answers lost': 1, 'bus link slow': 1 } as const;
  const clocks = { 'clock set forward': 2, 'clock set back': 1 } as const;
  const result = await runFaults({ ...quickPlan(seed + 2), faults: { ...links, ...clocks, 'kill tocsin': 1, 'kill nats-server': 1 } });
  expect(result.isSound, explain(result)).toBe(true);
  expect(result).toMatchObject({ attempted: 10_000, acked: 10_000 });
  expect(result.faults).toHaveLength(13);
}, 180_000);

test('power losses: nothing acked is lost, every alert is there once', async (context) => {
  const missing = notRunnable();
  if (missing !== undefined) context.skip(missing);
  const volume = openVolume();
  if (typeof volume === 'string') return context.skip(volume);
  await volume[Symbol.asyncDispose]();
  const result = await runFaults({ ...quickPlan(seed + 1), faults: { 'power loss': 5 } });
  expect(result.isSound, explain(result)).toBe(true);
  expect(result).toMatchObject({ attempted: 10_000, acked: 10_000 });
  expect(result.faults).toHaveLength(5);
}, 240_000);
