/** What a catch-up says of its alerts, over a restart. */
import type { Alert } from '@tocsin/core';
import { describe, expect, it } from 'vitest';
import { CaughtUpAlerts } from './caught-up-alerts.ts';

const alert = (id: string): Alert =>
  ({
    id,
    tenant: 'acme',
    rule: { id: 'r', version: '1' },
    groupBy: {},
    firstMs: 1,
    lastMs: 2,
    count: 1,
    foldRevision: 2 ** 32,
  }) as unknown as Alert;

describe('CaughtUpAlerts', () => {
  it('counts those written before it was ended as well', async () => {
    const written: string[] = [];
    const begin = () =>
      new CaughtUpAlerts({ last: async () => undefined }, { write: async (alerts) => void written.push(...alerts.map(({ id }) => id)) });
    const first = begin();
    await first.take([alert('a'), alert('b')]);
    await first.write(async () => undefined);
    await first.take([alert('c')]);
    const again = begin();
    again.restore(first.held, JSON.parse(JSON.stringify(first.found)) as typeof first.found);
    await again.take([alert('d')]);
    await again.write(async () => undefined);
    expect(written).toEqual(['a', 'b', 'c', 'd']);
    expect(again.counts()).toEqual({ raised: 4, changed: 0, confirmed: 0 });
  });
});
