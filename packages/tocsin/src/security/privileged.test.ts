import { isTocsinError } from '@tocsin/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openGround } from '../../test/ground.ts';
import { type AuditRecord, createAuditTrail, readAudit } from './audit-trail.ts';
import type { Principal } from './principal.ts';
import { createPrivileged } from './privileged.ts';

const clock = { nowMs: () => 42, monotonicMs: () => 0 };
const admin: Principal = { tenant: 'acme', actor: 'ada', roles: ['admin'], credentialId: 'c1' };
const viewer: Principal = { ...admin, actor: 'vic', roles: ['viewer'] };
const act = { action: 'rules.write', resource: 'rules/1', before: 'b', after: 'a' } as const;

function doorOver(append: (record: AuditRecord) => Promise<void>): ReturnType<typeof createPrivileged> {
  let ids = 0;
  return createPrivileged({ trail: { append }, clock, nextId: () => `id${++ids}` });
}

afterEach(() => {
  vi.useRealTimers();
});

describe('privileged', () => {
  it('writes the intent before the effect and the outcome after', async () => {
    const order: string[] = [];
    const door = doorOver(async ({ phase, result }) => void order.push(`${phase}${result === undefined ? '' : ` ${result}`}`));
    expect(await door(admin, act, async () => order.push('effect'))).toBe(2);
    expect(order).toEqual(['intent', 'effect', 'outcome done']);
  });

  it('runs no effect when AUDIT cannot be written', async () => {
    let done = false;
    const door = doorOver(() => Promise.reject(new Error('full')));
    const error = await door(admin, act, async () => (done = true)).catch((caught: unknown) => caught);
    expect(isTocsinError(error, 'auth.audit_failed') && error.message).toContain('was not done');
    expect(done).toBe(false);
  });

  it('gives up on an AUDIT that hangs after its deadline, without the effect', async () => {
    const timeout = vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
      expect(ms).toBe(5000);
      const soon = new AbortController();
      setTimeout(() => soon.abort(new Error('late')), 10);
      return soon.signal;
    });
    let done = false;
    const error = await doorOver(() => new Promise(() => undefined))(admin, act, async () => (done = true)).catch(
      (caught: unknown) => caught,
    );
    timeout.mockRestore();
    expect(isTocsinError(error, 'auth.audit_failed')).toBe(true);
    expect(done).toBe(false);
  });

  it('records a refusal and runs nothing', async () => {
    const { bus } = await openGround();
    let ids = 0;
    const door = createPrivileged({ trail: createAuditTrail(bus), clock, nextId: () => `id${++ids}` });
    let done = false;
    const error = await door(viewer, act, async () => (done = true)).catch((caught: unknown) => caught);
    expect(isTocsinError(error, 'auth.forbidden')).toBe(true);
    expect(done).toBe(false);
    expect((await readAudit(bus, 'acme', { limit: 10 })).records).toMatchObject([
      { phase: 'refused', actor: 'vic', action: 'rules.write', result: 'auth.forbidden' },
    ]);
  });

  it('records how a failing effect ended, and throws what it threw', async () => {
    const records: AuditRecord[] = [];
    const door = doorOver(async (record) => void records.push(record));
    const broken = new Error('no room');
    await expect(door(admin, act, () => Promise.reject(broken))).rejects.toBe(broken);
    expect(records.map(({ phase, result }) => [phase, result])).toEqual([
      ['intent', undefined],
      ['outcome', 'Error: no room'],
    ]);
    expect(new Set(records.map((record) => record.id)).size).toBe(1);
  });

  it('says so when the effect was done and its outcome could not be written', async () => {
    let done = false;
    const door = doorOver(({ phase }) => (phase === 'outcome' ? Promise.reject(new Error('full')) : Promise.resolve()));
    const error = await door(admin, act, async () => (done = true)).catch((caught: unknown) => caught);
    expect(done).toBe(true);
    expect(isTocsinError(error, 'auth.audit_failed') && error.message).toContain('was done, but');
  });
});

describe('audit trail', () => {
  it('answers the newest records of one tenant, oldest first', async () => {
    const { bus } = await openGround();
    const trail = createAuditTrail(bus);
    const record = (id: string, tenant: string): AuditRecord => ({
      id,
      phase: 'intent',
      atMs: 1,
      tenant,
      actor: 'x',
      credentialId: 'c',
      action: 'rules.write',
      resource: 'r',
    });
    for (const id of ['1', '2', '3', '4']) await trail.append(record(id, 'acme'));
    await trail.append(record('5', 'globex'));
    expect((await readAudit(bus, 'acme', { limit: 2 })).records.map((each) => each.id)).toEqual(['3', '4']);
    expect((await readAudit(bus, 'nobody', { limit: 2 })).records).toEqual([]);
  });

  it('does not resolve while the bus is away, and keeps what was not acknowledged out of the effect', async () => {
    const { bus, server } = await openGround({ answerTimeoutMs: 50 });
    server.stop({ kill: true });
    let done = false;
    const door = createPrivileged({ trail: createAuditTrail(bus), clock, nextId: () => 'x' });
    const error = await door(admin, act, async () => (done = true)).catch((caught: unknown) => caught);
    expect(isTocsinError(error, 'auth.audit_failed')).toBe(true);
    expect(done).toBe(false);
  });
});
