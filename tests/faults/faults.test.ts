/** The quick fault run: three kills of nats-server, three of Tocsin and one of both under load, on the built program. */
import { expect, test } from 'vitest';
import { notRunnable } from './not-runnable.ts';
import { quickPlan } from './quick-plan.ts';
import { explain, runFaults } from './scenario.ts';

const seed = 11;

test('kill -9 of nats-server and of Tocsin: nothing acked is lost, every alert is there once', async (context) => {
  const missing = notRunnable();
  if (missing !== undefined) context.skip(missing);
  const result = await runFaults(quickPlan(seed));
  expect(result.isSound, explain(result)).toBe(true);
  expect(result).toMatchObject({ busKills: 3, tocsinKills: 3, bothKills: 1, attempted: 10_000, acked: 10_000 });
  expect(result.expectedAlerts, 'alerts compared').toBeGreaterThan(100);
}, 180_000);
