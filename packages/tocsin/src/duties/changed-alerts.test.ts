import type { Alert } from '@tocsin/core';
import { describe, expect, it } from 'vitest';
import { ChangedAlerts } from './changed-alerts.ts';

const alert = (id: string, foldRevision: number): Alert => ({ tenant: 'acme', id, foldRevision }) as Alert;

describe('changed alerts', () => {
  it('let a new alert out at once, in its newest state', () => {
    const changed = new ChangedAlerts({ nowMs: () => 0, monotonicMs: () => 0 });
    changed.add(alert('a', 1));
    changed.add(alert('b', 7));
    changed.add(alert('a', 2));
    expect(changed.takeNew()).toEqual([alert('a', 2)]);
    expect(changed.isEmpty).toBe(false);
    expect(changed.takeAll()).toEqual([alert('b', 7)]);
    expect(changed.isEmpty).toBe(true);
  });

  it('let a higher count wait for a second and no longer', () => {
    let nowMs = 1000;
    const changed = new ChangedAlerts({ nowMs: () => 0, monotonicMs: () => nowMs });
    expect(changed.dueInMs()).toBe(Number.POSITIVE_INFINITY);
    changed.add(alert('a', 5));
    nowMs += 400;
    changed.add(alert('a', 6));
    expect(changed.dueInMs()).toBe(600);
    nowMs += 600;
    expect(changed.dueInMs()).toBe(0);
    expect(changed.takeAll()).toEqual([alert('a', 6)]);
  });

  it('are due at once when too many wait', () => {
    const changed = new ChangedAlerts({ nowMs: () => 0, monotonicMs: () => 0 });
    for (let i = 0; i <= 500; i++) changed.add(alert(`a${i}`, 2));
    expect(changed.dueInMs()).toBeLessThanOrEqual(0);
  });
});
