import type { CompleteBus } from '@tocsin/bus';
import { type Match, systemClock } from '@tocsin/core';
import { describe, expect, it } from 'vitest';
import {
  bookOf,
  fieldsOf,
  logSources,
  openGround,
  type PlannedEvent,
  readSteps,
  ruleFile,
  running,
  storeEvents,
  until,
} from '../../test/ground.ts';
import { readDeadLetter } from '../deadletters/dead-letter.ts';
import { createDrop } from '../deadletters/drop.ts';
import { RuleBook } from '../rules/rule-book.ts';
import { DEADLETTER_FILTER, eventsFilter, eventsSubject, MATCHES_FILTER } from '../subjects.ts';
import { type MatcherOptions, runMatcher } from './matcher.ts';
import { STEP_BYTES } from './step-draft.ts';

const book = bookOf(ruleFile('hit', 'hit'));
let epochs = 0;

function start(bus: CompleteBus, over: Partial<MatcherOptions> = {}): ReturnType<typeof running> & { troubles: string[] } {
  const troubles: string[] = [];
  epochs += 1;
  const run = running((signal) =>
    runMatcher({
      bus,
      drop: createDrop({ bus, clock: systemClock, onTrouble: () => undefined, giveUp: new AbortController().signal }),
      partitions: 2,
      idleAfterMs: 10_000,
      epoch: `epoch${epochs}`,
      clock: systemClock,
      rules: () => book,
      fieldsOf,
      onTrouble: (error, what) => troubles.push(`${what}: ${String(error)}`),
      signal,
      giveUp: new AbortController().signal,
      ...over,
    }),
  );
  return { ...run, troubles };
}

/** How many events the steps say were judged, of both lanes. */
async function judged(bus: CompleteBus): Promise<number> {
  return (await readSteps(bus)).reduce((sum, step) => sum + step.judged + step.duplicates, 0);
}

async function matches(bus: CompleteBus): Promise<Match[]> {
  return (await readSteps(bus)).flatMap((step) => step.matches);
}

const hit = (id: string, more: Partial<PlannedEvent> = {}): PlannedEvent => ({ id, fields: { act: 'hit', id }, ...more });
const miss = (id: string): PlannedEvent => ({ id, fields: { act: 'miss' } });

describe('matcher', () => {
  it('judges every event of both lanes once and leaves out duplicates, by tenant and source', async () => {
    const { bus } = await openGround();
    await storeEvents(bus, [hit('a'), miss('b'), hit('a')]);
    await storeEvents(bus, [hit('a'), hit('c')], { partition: 1 });
    await storeEvents(bus, [hit('a')], { tenant: 'globex' });
    await storeEvents(bus, [hit('a', { source: 'other' }), { fields: { act: 'hit' } }, { fields: { act: 'hit' } }], { lane: 'bulk' });
    const matcher = start(bus);
    await until(async () => (await judged(bus)) === 9);
    await matcher.stop();
    const found = await matches(bus);
    expect(
      found
        .filter((match) => match.evidence.eventId === 'a')
        .map((match) => `${match.tenant} ${match.evidence.source}`)
        .sort(),
    ).toEqual(['acme edr', 'acme edr', 'acme other', 'globex edr']);
    expect(found).toHaveLength(7);
    expect((await readSteps(bus)).reduce((sum, step) => sum + step.duplicates, 0)).toBe(1);
  });

  it('judges exactly once although it is stopped at any point and started again', async () => {
    const { bus } = await openGround();
    const sent: string[] = [];
    for (let round = 0; round < 12; round++) {
      const matcher = start(bus);
      for (let i = 0; i < 5; i++) {
        const id = `e${round}-${i}`;
        sent.push(id);
        // Every third comes a second time, before or after a restart.
        await storeEvents(bus, i % 3 === 0 && round > 0 ? [hit(id), hit(`e${round - 1}-${i}`)] : [hit(id)], {
          partition: i % 2 === 0 ? 0 : 1,
        });
        await new Promise((resolve) => setImmediate(resolve));
      }
      await matcher.stop();
    }
    const last = start(bus);
    const all = (await bus.info(eventsFilter('live'))).last;
    await until(async () => (await readSteps(bus)).some((step) => step.read.live === all));
    await last.stop();
    expect((await matches(bus)).map((match) => match.evidence.eventId).sort()).toEqual([...sent].sort());
  });

  it('loses and repeats nothing when the bus is killed under it, whatever was stored of the commits under way', async () => {
    for (let seed = 0; seed < 6; seed++) {
      let state = seed;
      const { bus, server } = await openGround({
        answerTimeoutMs: 30,
        random: () => ((state = (state * 16807 + 11) % 2147483647) % 100) / 100,
      });
      const matcher = start(bus);
      const sent: string[] = [];
      for (let i = 0; i < 30; i++) {
        if (i % 7 === 3) {
          server.stop({ kill: true });
          setTimeout(() => server.start(), 5);
          await until(() =>
            server.reach(new AbortController().signal).then(
              () => true,
              () => false,
            ),
          );
        }
        sent.push(`e${i}`);
        await storeEvents(bus, [hit(`e${i}`)], { partition: i % 2 });
      }
      await until(async () => (await judged(bus)) === 30);
      await matcher.stop();
      expect((await matches(bus)).map((match) => match.evidence.eventId).sort()).toEqual([...sent].sort());
    }
  });

  it('says how far a partition is read only when all of that has been seen', async () => {
    const { bus } = await openGround();
    await storeEvents(bus, [hit('a')]);
    await storeEvents(bus, [hit('b')], { partition: 1 });
    const matcher = start(bus);
    await until(async () => (await judged(bus)) === 2);
    await matcher.stop();
    const seen = new Set<string>();
    const { last } = await bus.info(eventsFilter('live'));
    for (const step of await readSteps(bus)) {
      for (const match of step.matches) seen.add(match.evidence.eventId);
      if (step.read.live === last) expect([...seen]).toContain(step.partition === 0 ? 'a' : 'b');
    }
  });

  it('cuts what would be too large for one message, and stores it whole', async () => {
    const { bus } = await openGround();
    // Many rules on one frame, each entity its own: every match carries an excerpt.
    const rules = bookOf(...Array.from({ length: 12 }, (_, i) => ruleFile(`hit-${i}`, 'hit')));
    const long = 'x'.repeat(480);
    for (let f = 0; f < 4; f++) {
      await storeEvents(
        bus,
        Array.from({ length: 400 }, (_, i) => hit(`f${f}-${i}`, { host: `h${f}-${i}`, fields: { act: 'hit', long } })),
      );
    }
    const matcher = start(bus, { rules: () => rules });
    await until(async () => (await judged(bus)) === 1600, 30_000);
    await matcher.stop();
    const steps = await readSteps(bus);
    expect(steps.flatMap((step) => step.matches)).toHaveLength(1600 * 12);
    for await (const stored of bus.read(MATCHES_FILTER, 'first')) expect(stored.body.length).toBeLessThan(1.2 * STEP_BYTES);
    expect(matcher.troubles).toEqual([]);
  });

  it("sets aside what is no frame or another tenant's, and goes on", async () => {
    const { bus } = await openGround();
    const put = (subject: string, id: string, body: Uint8Array): Promise<unknown> => bus.commit([{ subject, id, body }]);
    await put(eventsSubject('live', 0, 'acme'), 'junk', Buffer.from('no frame'));
    await storeEvents(bus, [hit('foreign')], { tenant: 'globex', partition: 1 });
    const foreign = await bus.last(eventsSubject('live', 1, 'globex'));
    await put(eventsSubject('live', 0, 'acme'), 'claimed', Buffer.from(foreign?.body ?? ''));
    await put('tocsin.events.live.7.acme', 'beyond', Buffer.from(foreign?.body ?? ''));
    await put('tocsin.events.live.0.=zz', 'badname', Buffer.from('x'));
    await storeEvents(bus, [hit('good')]);
    const matcher = start(bus);
    await until(async () => (await judged(bus)) === 2);
    await matcher.stop();
    expect((await matches(bus)).map((match) => `${match.tenant} ${match.evidence.eventId}`).sort()).toEqual([
      'acme good',
      'globex foreign',
    ]);
    const dead: string[] = [];
    for await (const stored of bus.read(DEADLETTER_FILTER, 'first')) dead.push(readDeadLetter(stored).letter.subject);
    expect(dead).toEqual([
      'tocsin.events.live.0.acme',
      'tocsin.events.live.0.acme',
      'tocsin.events.live.7.acme',
      'tocsin.events.live.0.=zz',
    ]);
    // Started again it does not set them aside a second time.
    const again = start(bus);
    await storeEvents(bus, [hit('later')]);
    await until(async () => (await judged(bus)) === 3);
    await again.stop();
    expect((await bus.info(DEADLETTER_FILTER)).messages).toBe(4);
  });

  it('goes on when reading an event throws, and says so', async () => {
    const { bus } = await openGround();
    await storeEvents(bus, [hit('bad')]);
    await storeEvents(bus, [hit('good')]);
    const matcher = start(bus, {
      fieldsOf(frame, index) {
        if (frame.id(index) === 'bad') throw new RangeError('boom');
        return fieldsOf(frame, index);
      },
    });
    await until(async () => (await matches(bus)).length === 1);
    await matcher.stop();
    expect(matcher.troubles.join()).toContain('boom');
    expect((await bus.info(DEADLETTER_FILTER)).messages).toBe(1);
  });

  it('loses and repeats nothing where two take themselves for the owner: each is fenced by what the other has written', async () => {
    const { bus } = await openGround();
    await storeEvents(bus, [hit('e0')]);
    const old = start(bus);
    await until(async () => (await judged(bus)) === 1);
    const fresh = start(bus);
    const ids = Array.from({ length: 40 }, (_, i) => `e${i}`);
    for (const [i, id] of ids.entries()) {
      if (i === 0) continue;
      await storeEvents(bus, [hit(id)], { partition: i % 2 });
      if (i % 3 === 0) await until(async () => (await judged(bus)) > i);
    }
    await until(async () => (await judged(bus)) === 40);
    await Promise.all([old.stop(), fresh.stop()]);
    expect((await matches(bus)).map((match) => match.evidence.eventId).sort()).toEqual([...ids].sort());
    expect([...old.troubles, ...fresh.troubles].join()).toContain('another owner');
  });

  it("judges a tenant by everybody's rules and its own, never by another's", async () => {
    const { bus } = await openGround();
    const rules = RuleBook.compile([ruleFile('shared', 'hit'), ruleFile('own', 'hit', 'acme')], logSources);
    await storeEvents(bus, [hit('a')]);
    await storeEvents(bus, [hit('a')], { tenant: 'globex' });
    const matcher = start(bus, { rules: () => rules });
    await until(async () => (await judged(bus)) === 2);
    await matcher.stop();
    expect((await matches(bus)).map((match) => `${match.tenant} ${match.ruleId}`).sort()).toEqual([
      'acme own',
      'acme shared',
      'globex shared',
    ]);
  });

  it('writes the time of idle sources down', async () => {
    const { bus } = await openGround();
    let nowMs = 1_000_000_000;
    const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
    await storeEvents(bus, [hit('a', { receivedMs: nowMs, timeMs: nowMs + 300_000 })]);
    const matcher = start(bus, { clock });
    await until(async () => (await judged(bus)) === 1);
    // The record claims a time in the future: its source's time is the receipt.
    expect((await readSteps(bus))[0]?.watermarks).toEqual({ 'acme/edr': nowMs });
    nowMs += 60_000;
    await until(async () => (await readSteps(bus)).at(-1)?.watermarks['acme/edr'] === nowMs);
    await matcher.stop();
  }, 20_000);

  it('takes nobody for idle because the clock was set', async () => {
    const { bus } = await openGround();
    const startMs = 1_000_000_000;
    let [offsetMs, steadyMs] = [0, 0];
    const clock = { nowMs: () => startMs + offsetMs + steadyMs, monotonicMs: () => steadyMs };
    await storeEvents(bus, [hit('a', { receivedMs: startMs, timeMs: startMs })]);
    const matcher = start(bus, { clock });
    await until(async () => (await judged(bus)) === 1);
    offsetMs = 3_600_000;
    // A tick passes under the clock that was set forward.
    steadyMs += 2000;
    await storeEvents(bus, [hit('b', { receivedMs: startMs + offsetMs, timeMs: startMs + 1 })]);
    await until(async () => (await judged(bus)) === 2);
    offsetMs = -3_600_000;
    steadyMs += 2000;
    await storeEvents(bus, [hit('c', { receivedMs: startMs, timeMs: startMs + 2 })]);
    await until(async () => (await judged(bus)) === 3);
    for (const { watermarks } of await readSteps(bus)) expect(watermarks['acme/edr'] ?? 0).toBeLessThanOrEqual(startMs + 2);
    // Idle in truth, and set right again: the ticks went on.
    offsetMs = 0;
    steadyMs += 60_000;
    await until(async () => (await readSteps(bus)).at(-1)?.watermarks['acme/edr'] === startMs + steadyMs);
    await matcher.stop();
  }, 20_000);

  it('takes nobody for idle whose events still wait to be read', async () => {
    const storedMs = 1_000_000_000;
    let nowMs = storedMs;
    let perLookMs = 0;
    const clock = { nowMs: () => (nowMs += perLookMs), monotonicMs: () => nowMs };
    const { bus } = await openGround({ clock });
    for (let i = 0; i < 400; i++) await storeEvents(bus, [hit(`late${i}`, { receivedMs: storedMs + i })]);
    // Read ten minutes later, with a tick due after every round.
    nowMs += 600_000;
    perLookMs = 3000;
    const matcher = start(bus, { clock });
    await until(async () => (await judged(bus)) === 400);
    await matcher.stop();
    const steps = await readSteps(bus);
    expect(steps.length).toBeGreaterThan(4);
    const last = steps.findLastIndex((step) => step.judged > 0);
    for (const step of steps.slice(0, last)) expect(step.watermarks['acme/edr'] ?? 0).toBeLessThan(storedMs + 1000);
  });

  it('remembers the dedup window from where it stopped reading, not from the clock', async () => {
    const { bus } = await openGround();
    await storeEvents(bus, [hit('a'), hit('b')]);
    const first = start(bus);
    await until(async () => (await judged(bus)) === 2);
    await first.stop();
    await storeEvents(bus, [hit('b'), hit('a'), hit('c')]);
    const second = start(bus);
    await until(async () => (await judged(bus)) === 5);
    await second.stop();
    expect((await matches(bus)).map((match) => match.evidence.eventId)).toEqual(['a', 'b', 'c']);
  });
});
