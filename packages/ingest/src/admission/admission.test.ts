/** Admission against a clock that is moved by hand: exact counts, no debt forgotten, one tenant's flood his own. */
import { type Clock, isTocsinError, TocsinError } from '@tocsin/core';
import { describe, expect, it } from 'vitest';
import type { Source } from '../source.ts';
import { type Admission, createAdmission, type Quota } from './admission.ts';
import { createRefusalCounts } from './refusal-counts.ts';
import { createStallGuard } from './stall-guard.ts';

const source = (tenant: string, name: string): Source => ({ tenant, name, format: 'json', lane: 'live', shard: '' });

function ground(quotas: Readonly<Record<string, Quota>>): { admission: Admission; pass: (ms: number) => void } {
  let nowMs = 1000;
  const clock: Clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
  const admission = createAdmission({
    clock,
    quotaOf: (scope, { tenant, source: name }) => quotas[scope === 'tenant' ? tenant : `${tenant}/${name}`],
  });
  return { admission, pass: (ms) => void (nowMs += ms) };
}

/** Milliseconds to wait; 0 where it was admitted. */
function ask(admission: Admission, from: Source, records: number, bytes = 0): number {
  try {
    admission.admit(from, { records, bytes });
    return 0;
  } catch (error) {
    if (!isTocsinError(error, 'flow.over_quota')) throw error;
    return error.details.retryAfterMs;
  }
}

describe('admission', () => {
  it('lets a burst pass, then exactly the rate, and says when to come again', () => {
    const { admission, pass } = ground({ 'acme/web': { eventsPerSecond: 100, burstSeconds: 2 } });
    const web = source('acme', 'web');
    expect(ask(admission, web, 200)).toBe(0);
    expect(ask(admission, web, 50)).toBe(500);
    pass(499);
    expect(ask(admission, web, 50)).toBe(1);
    pass(1);
    expect(ask(admission, web, 50)).toBe(0);
    expect(ask(admission, web, 1)).toBe(10);
  });

  it('takes more than it ever holds once it is full, and has it paid back before anything else', () => {
    const { admission, pass } = ground({ 'acme/web': { eventsPerSecond: 10, burstSeconds: 1 } });
    const web = source('acme', 'web');
    expect(ask(admission, web, 1000)).toBe(0);
    expect(ask(admission, web, 1)).toBe(99_100);
    pass(99_100);
    expect(ask(admission, web, 1)).toBe(0);
  });

  it('takes nothing from one quota where the other refuses, and leaves other tenants alone', () => {
    const { admission } = ground({ acme: { bytesPerSecond: 100, burstSeconds: 1 }, 'acme/web': { eventsPerSecond: 3, burstSeconds: 1 } });
    const web = source('acme', 'web');
    expect(ask(admission, web, 1, 100)).toBe(0);
    expect(ask(admission, web, 1, 50)).toBe(500);
    expect(ask(admission, web, 2, 0)).toBe(0);
    expect(ask(admission, source('acme', 'other'), 1, 10)).toBe(100);
    expect(ask(admission, source('globex', 'web'), 1_000_000, 1e9)).toBe(0);
  });

  it('admits at ten times the rate for a minute what the rate allows, to the event', () => {
    const { admission, pass } = ground({ acme: { eventsPerSecond: 1000, burstSeconds: 5 } });
    let accepted = 0;
    let refused = 0;
    for (let i = 0; i < 6000; i++, pass(10)) {
      if (ask(admission, source('acme', `s${i % 7}`), 100) === 0) accepted += 100;
      else refused += 100;
    }
    expect(accepted + refused).toBe(600_000);
    expect(accepted).toBe(64_900);
  });

  it('takes a changed quota over at once, and only asks where it is told to', () => {
    const quotas: Record<string, Quota> = { 'acme/web': { eventsPerSecond: 1, burstSeconds: 1 } };
    const { admission } = ground(quotas);
    const web = source('acme', 'web');
    expect(ask(admission, web, 1)).toBe(0);
    expect(() => admission.precheck(web)).toThrow(TocsinError);
    quotas['acme/web'] = { eventsPerSecond: 0 };
    expect(() => admission.precheck(web)).not.toThrow();
    expect(ask(admission, web, 1e6)).toBe(0);
  });
});

describe('refusal counts', () => {
  it('counts per source and reason, and is bounded in sources', () => {
    const counts = createRefusalCounts(2);
    for (const name of ['__proto__', 'b', 'c', 'd'])
      counts.add({ tenant: 'acme', source: name }, 'flow.over_quota', { records: 2, bytes: 9 });
    expect([...counts.of('acme').keys()]).toEqual(['__proto__', 'b', '(others)']);
    expect(counts.total()).toEqual([{ reason: 'flow.over_quota', requests: 4, events: 8, bytes: 36 }]);
    expect(counts.of('globex').size).toBe(0);
  });
});

describe('the stall guard', () => {
  it('refuses at once after a commit without an answer, lets one probe a second through, and opens with the next answer', async () => {
    let nowMs = 0;
    const guard = createStallGuard({ monotonicMs: () => nowMs });
    const unknown = new TocsinError('bus.unknown', { subject: 's', waitedMs: 5000 });
    await expect(guard.watch(Promise.reject(unknown))).rejects.toBe(unknown);
    guard.gate(false);
    guard.gate(true);
    expect(() => guard.gate(true)).toThrow('has not answered');
    nowMs = 1000;
    guard.gate(true);
    expect(() => guard.gate(false)).toThrow('has not answered');
    expect(guard.stalledForMs).toBe(1000);
    await guard.watch(Promise.resolve([]));
    guard.gate(true);
    expect(guard.stalledForMs).toBeUndefined();
  });
});
