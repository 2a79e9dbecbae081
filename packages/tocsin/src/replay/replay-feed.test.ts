/** What a replay's feed gives out: order, pace by an own clock, time that passes between frames, and where it begins again. */
import { type Clock, type Lane, systemClock } from '@tocsin/core';
import { describe, expect, it } from 'vitest';
import { fieldsOf, logSources, openGround, storeEvents } from '../../test/ground.ts';
import { EventChoice } from './event-choice.ts';
import { compileConditions } from './field-conditions.ts';
import { ReplayBus } from './replay-bus.ts';
import { ReplayClock } from './replay-clock.ts';
import { ReplayFeed } from './replay-feed.ts';
import type { ReplaySpec } from './replay-order.ts';
import { resolveRange, shareRead } from './replay-range.ts';

const T0 = Date.UTC(2026, 0, 2, 10);
const SECOND = 1000;
const ALL: ReplaySpec = { tenant: 'acme', time: 'received', lanes: [], sources: [], where: [], speed: 0, rules: 'live' };

/** A ground whose bus stores at the time it is told. */
async function stored(frames: readonly { atMs: number; act?: string; lane?: Lane; tenant?: string; source?: string; timeMs?: number }[]) {
  let nowMs = T0;
  const clock: Clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
  const ground = await openGround({ clock });
  for (const { atMs, act = 'x', lane, tenant, source, timeMs } of frames) {
    nowMs = T0 + atMs;
    const event = { fields: { act }, receivedMs: nowMs, timeMs: timeMs ?? nowMs, ...(source === undefined ? {} : { source }) };
    await storeEvents(ground.bus, [event], { ...(lane ? { lane } : {}), ...(tenant ? { tenant } : {}) });
  }
  return ground;
}

async function open(
  bus: Awaited<ReturnType<typeof stored>>['bus'],
  more: Partial<ReplaySpec> = {},
  real: Pick<Clock, 'monotonicMs'> = systemClock,
) {
  const spec = { ...ALL, ...more };
  const range = await resolveRange(bus, spec, T0 + 3_600_000);
  const clock = new ReplayClock(range.startMs);
  const own = new ReplayBus({ bus, tenant: spec.tenant, run: 'r1', range, clock, maxBytes: 1 << 20 });
  const choice = new EventChoice({ spec, conditions: compileConditions(spec.where, logSources), fieldsOf, onTrouble: () => undefined });
  const read: Record<string, string> = {};
  const options = { log: own, choice, clock, endMs: range.endMs, speed: spec.speed, spanMs: 60 * SECOND, realTime: real };
  const feed = new ReplayFeed(
    { ...options, onFrame: (lane, position) => void (read[lane] = position) },
    { from: () => 'first', signal: new AbortController().signal },
  );
  return { feed, clock, choice, range, own, read };
}

const actsOf = (frames: Awaited<ReturnType<ReplayFeed['take']>>): unknown[] =>
  frames.map(({ frame }) => frame && (JSON.parse(Buffer.from(frame.record(0)).toString()) as { act: string }).act);

describe('ReplayFeed', () => {
  it('merges the lanes by receipt and gives nothing of another tenant', async () => {
    const { bus } = await stored([
      { atMs: 0, act: 'a' },
      { atMs: 1, act: 'b', lane: 'bulk' },
      { atMs: 2, act: 'theirs', tenant: 'globex' },
      { atMs: 3, act: 'c' },
    ]);
    const { feed, range, read } = await open(bus);
    expect(actsOf(await feed.take(9, 10))).toEqual(['a', 'b', 'c']);
    expect(feed.isOver).toBe(false);
    expect(await feed.take(9, 10)).toEqual([]);
    expect([feed.finished, feed.isOver]).toEqual([true, true]);
    expect(shareRead(range, read as never)).toBe(1);
  });

  it('lets time be seen to pass before a frame that comes long after, and to the end of the range', async () => {
    const { bus } = await stored([{ atMs: 0 }, { atMs: 600 * SECOND }]);
    const { feed, clock } = await open(bus);
    expect(await feed.take(9, 10)).toHaveLength(1);
    expect(await feed.take(9, 10)).toEqual([]);
    expect(clock.nowMs()).toBe(T0 + 600 * SECOND - 1);
    expect(await feed.take(9, 10)).toHaveLength(1);
    await feed.take(9, 10);
    expect(clock.nowMs()).toBe(T0 + 3_600_000);
  });

  it.each([
    [1, [1, 2, 3]],
    [2, [1, 3, 5]],
    [0.5, [1, 1, 2]],
  ])('at ×%d gives out as many frames as are due, by a clock that is told', async (speed, want) => {
    const { bus } = await stored([0, 1, 2, 3, 4].map((second) => ({ atMs: second * 10 * SECOND })));
    let nowMs = 0;
    const { feed, clock } = await open(bus, { speed }, { monotonicMs: () => nowMs });
    const seen: number[] = [];
    let count = 0;
    for (const second of [0, 10, 20]) {
      nowMs = second * SECOND;
      for (let some = await feed.take(9, 1); some.length > 0 || count === 0; some = await feed.take(9, 1)) count += some.length;
      seen.push(count);
      // No further than to the next frame.
      if (!feed.isOver) expect(clock.nowMs()).toBeLessThan(T0 + count * 10 * SECOND);
    }
    expect(seen).toEqual(want);
  });

  it('chooses by time of receipt or of the event, source and condition, and passes over the rest without waiting', async () => {
    const { bus } = await stored([
      { atMs: 0, act: 'a', source: 'one', timeMs: T0 - 86_400_000 },
      { atMs: 10 * SECOND, act: 'b', source: 'two' },
      { atMs: 20 * SECOND, act: 'b', source: 'one' },
    ]);
    const chosen = async (more: Partial<ReplaySpec>): Promise<number> => {
      const { feed, choice } = await open(bus, more);
      let count = 0;
      while (!feed.finished) for (const fed of await feed.take(9, 1)) if (fed.frame && choice.choose(fed, fed.frame)(0)) count += 1;
      return count;
    };
    expect(await chosen({ fromMs: T0 + SECOND })).toBe(2);
    expect(await chosen({ fromMs: T0, toMs: T0 + 10 * SECOND })).toBe(1);
    expect(await chosen({ toMs: T0, time: 'event' })).toBe(1);
    expect(await chosen({ sources: ['one'] })).toBe(2);
    expect(await chosen({ where: ['act=b'] })).toBe(2);
    expect(await chosen({ where: ['act=b'], sources: ['one'] })).toBe(1);
    expect(await chosen({ where: ['act|startswith=z'] })).toBe(0);
    expect(await chosen({ subject: 'tocsin.events.bulk.>' })).toBe(0);
    // A day of waiting at ×1 for frames that nobody wants would be seen by the test.
    expect(await chosen({ where: ['act=b'], sources: ['two'], speed: 1 })).toBe(1);
  });
});

describe('ReplayBus', () => {
  it('writes into its namespace alone, with its own clock, and counts what it wrote', async () => {
    const { bus } = await stored([{ atMs: 0 }]);
    const { own, clock } = await open(bus);
    const step = { partition: 0, epoch: 'E', read: {}, watermarks: {}, ruleSet: 'x', judged: 3, duplicates: 1, matches: [] };
    clock.advance(T0 + 5000);
    const message = { subject: 'tocsin.matches.0', id: 's1', body: Buffer.from(JSON.stringify(step)) };
    const [published] = await own.commit([message]);
    expect(published).toMatchObject({ subject: 'tocsin.matches.0', id: 's1', duplicate: false });
    expect((await own.commit([message]))[0]?.duplicate).toBe(true);
    expect(own.counts).toMatchObject({ events: 3, duplicates: 1, matches: 0 });
    expect(await own.last('tocsin.matches.0')).toMatchObject({ id: 's1', subject: 'tocsin.matches.0', storedMs: T0 + 5000 });
    expect(await bus.last('tocsin.matches.0')).toBeUndefined();
    await expect(own.commit([{ subject: 'tocsin.events.live.0.acme', id: 'e', body: Buffer.from('x') }])).rejects.toMatchObject({
      code: 'bus.forbidden',
    });
    expect(await own.recount(new AbortController().signal)).toBe(T0 + 5000);
    expect(own.counts.events).toBe(3);
  });

  it('ends at its limit', async () => {
    const { bus } = await stored([{ atMs: 0 }]);
    const { own } = await open(bus);
    for (let i = 0; i < 2; i++) await own.commit([{ subject: 'tocsin.deadletter.acme.match.x', id: `d${i}`, body: Buffer.alloc(600_000) }]);
    await expect(own.commit([{ subject: 'tocsin.deadletter.acme.match.x', id: 'd2', body: Buffer.alloc(1) }])).rejects.toMatchObject({
      code: 'replay.full',
    });
  });
});

describe('compileConditions', () => {
  it.each(['=1', ' ', 'a|bogus=1', 'a|re=(', 'x|expand=%none%'])('refuses %j', (condition) => {
    expect(() => compileConditions([condition], logSources)).toThrow(/is refused/);
  });

  it('takes hostile names for names', () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'a.b.c', 'a b'])
      expect(compileConditions([`${name}=1`], logSources)).toBeDefined();
  });
});
