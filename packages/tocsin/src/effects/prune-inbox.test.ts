import { type Clock, systemClock } from '@tocsin/core';
import { openInbox } from '@tocsin/store';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { pruneDaily } from './prune-inbox.ts';

const DAY_MS = 86_400_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('forgets what was delivered a month ago while it runs, and nothing after it was disposed', () => {
  let nowMs = 0;
  const clock: Clock = { ...systemClock, nowMs: () => nowMs };
  using inbox = openInbox({ path: ':memory:', clock });
  const pruning = pruneDaily(inbox, { clock, onTrouble: (error) => expect.unreachable(String(error)) });
  inbox.once('pager', 'old', () => undefined);
  nowMs = 2 * DAY_MS;
  inbox.once('pager', 'new', () => undefined);
  nowMs = 32 * DAY_MS;
  vi.advanceTimersByTime(DAY_MS);
  expect([inbox.has('pager', 'old'), inbox.has('pager', 'new')]).toEqual([false, true]);
  pruning[Symbol.dispose]();
  nowMs = 99 * DAY_MS;
  vi.advanceTimersByTime(3 * DAY_MS);
  expect(inbox.has('pager', 'new')).toBe(true);
});

it('tells what fails and tries again the next day', () => {
  const told: unknown[] = [];
  let tried = 0;
  const prune = (): number => {
    tried += 1;
    throw new Error('the disk is full');
  };
  using _ = pruneDaily({ prune }, { clock: systemClock, onTrouble: (error) => told.push(error) });
  vi.advanceTimersByTime(DAY_MS);
  expect(tried).toBe(2);
  expect(told).toHaveLength(2);
});
