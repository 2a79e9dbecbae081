import { describe, expect, it } from 'vitest';
import { openGround } from '../test/ground.ts';
import { ensureOperator } from './operator.ts';
import { Registry } from './registry/registry.ts';
import { createAuditTrail, readAudit } from './security/audit-trail.ts';
import { createAuthenticate } from './security/authenticate.ts';
import { createPrivileged } from './security/privileged.ts';

async function open(): Promise<{
  ensure: (kept: string | undefined, member?: string) => Promise<string>;
  kept: string[];
  works: (token: string) => Promise<boolean>;
  bus: Awaited<ReturnType<typeof openGround>>['bus'];
}> {
  const { bus } = await openGround();
  const registry = await Registry.open(bus, () => undefined);
  let nowMs = 1000;
  let ids = 0;
  const clock = { nowMs: () => nowMs++, monotonicMs: () => 0 };
  const privileged = createPrivileged({ trail: createAuditTrail(bus), clock, nextId: () => `i${++ids}` });
  const kept: string[] = [];
  const keep = async (token: string): Promise<void> => void kept.push(token);
  const authenticate = createAuthenticate(registry, clock);
  return {
    bus,
    kept,
    ensure: (token, member) => ensureOperator(token, { registry, privileged, clock, keep, member }),
    works: (token) =>
      authenticate({ authorization: `Bearer ${token}` }).then(
        (who) => who.roles.includes('admin') && who.tenant === 'default',
        () => false,
      ),
  };
}

describe('operator', () => {
  it('is made on the first start, audited, and kept from then on', async () => {
    const { ensure, kept, works, bus } = await open();
    const token = await ensure(undefined);
    expect(kept).toEqual([token]);
    expect(await works(token)).toBe(true);
    expect(await ensure(token)).toBe(token);
    expect(kept).toHaveLength(1);
    const audit = (await readAudit(bus, 'default', { limit: 10 })).records;
    expect(audit.map((record) => [record.phase, record.resource])).toEqual([
      ['intent', 'credential/operator'],
      ['outcome', 'credential/operator'],
    ]);
    expect(JSON.stringify(audit)).not.toContain(token);
  });

  it('is made anew when the token file is lost or holds something else, and the former one stops working', async () => {
    const { ensure, works } = await open();
    const first = await ensure(undefined);
    const second = await ensure(undefined);
    const third = await ensure('tocsin_person_unknown');
    expect([await works(first), await works(second), await works(third)]).toEqual([false, false, true]);
  });

  it('is each process’s own where several share the duties', async () => {
    const { ensure, works } = await open();
    const [one, two] = [await ensure(undefined, 'one'), await ensure(undefined, 'two')];
    const again = await ensure(undefined, 'two');
    expect([await works(one), await works(two), await works(again)]).toEqual([true, false, true]);
  });

  it('leaves no valid credential that nobody holds when keeping the token fails', async () => {
    const { bus } = await openGround();
    await using registry = await Registry.open(bus, () => undefined);
    const deps = { registry, privileged: () => expect.unreachable(), clock: { nowMs: () => 1, monotonicMs: () => 1 } };
    await expect(ensureOperator(undefined, { ...deps, keep: () => Promise.reject(new Error('disk full')) })).rejects.toThrow('disk full');
    expect(registry.list('credential')).toEqual([]);
  });
});
