/** What is remembered of silences where there are more than a value of the bucket takes. */

import { createMemoryBus, MemoryServer } from '@tocsin/bus/memory';
import { tenantKey } from '@tocsin/core';
import { describe, expect, it } from 'vitest';
import { roomy } from '../../test/ground.ts';
import { SOURCES_BUCKET, topology } from '../topology.ts';
import { WatchMemory } from './watch-memory.ts';

describe('WatchMemory', () => {
  it('keeps the newest silences that a value has room for', async () => {
    const bus = createMemoryBus({ server: new MemoryServer() });
    await bus.ensure(topology(roomy));
    const options = { bucket: bus.bucket(SOURCES_BUCKET), nowMs: 1, everyMs: 1000 };
    const memory = await WatchMemory.open(options);
    const name = (i: number): string => `${i}-${'ü'.repeat(110)}`;
    await memory.change(3, (open) => {
      for (let i = 0; i < 2500; i++) open.set(tenantKey('acme', name(i)), { tenant: 'acme', source: name(i), sinceMs: i, level: 1 });
    });
    const again = await WatchMemory.open(options);
    const kept = [...again.openKeys()].length;
    expect(kept).toBeGreaterThan(1000);
    expect(kept).toBeLessThan(2500);
    expect(again.openOf(tenantKey('acme', name(2499)))).toBeDefined();
    expect(again.openOf(tenantKey('acme', name(2499 - kept)))).toBeUndefined();
    // Whoever told them goes on knowing them all.
    expect([...memory.openKeys()]).toHaveLength(2500);
  });
});
