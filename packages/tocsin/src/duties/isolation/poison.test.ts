/** Events that throw: set aside alone, kept whole, and judged once they are given back. */
import type { CompleteBus } from '@tocsin/bus';
import { openFrame } from '@tocsin/bus';
import { systemClock } from '@tocsin/core';
import { describe, expect, it } from 'vitest';
import { bookOf, fieldsOf, openGround, type PlannedEvent, readSteps, ruleFile, running, storeEvents, until } from '../../../test/ground.ts';
import { readDeadLetter, type StoredDeadLetter } from '../../deadletters/dead-letter.ts';
import { createDrop } from '../../deadletters/drop.ts';
import { discardDeadLetter, editDeadLetter, redriveDeadLetter, redriveId, type SettleDeps } from '../../deadletters/settle-dead-letter.ts';
import type { Principal } from '../../security/principal.ts';
import { DEADLETTER_FILTER, RETRY_FILTER } from '../../subjects.ts';
import { type MatcherOptions, runMatcher } from '../matcher.ts';

const book = bookOf(ruleFile('hit', 'hit'));
const hit = (id: string, more: object = {}): PlannedEvent => ({ id, fields: { act: 'hit', id, ...more } });
const who: Principal = { tenant: 'acme', actor: 'anna', roles: ['admin'], credentialId: 'c' };

/** Reading an event throws while it says that it is poison. */
const poisoned: MatcherOptions['fieldsOf'] = (frame, index) => {
  const fields = fieldsOf(frame, index);
  if (fields['poison'] === true) throw new RangeError('poison');
  return fields;
};

let epochs = 0;
function start(bus: CompleteBus, fields: MatcherOptions['fieldsOf'] = poisoned): ReturnType<typeof running> {
  const giveUp = new AbortController().signal;
  const onTrouble = (): void => undefined;
  epochs += 1;
  const epoch = `epoch${epochs}`;
  return running((signal) =>
    runMatcher({
      bus,
      drop: createDrop({ bus, clock: systemClock, onTrouble, giveUp }),
      partitions: 2,
      idleAfterMs: 10_000,
      epoch,
      clock: systemClock,
      rules: () => book,
      fieldsOf: fields,
      onTrouble,
      signal,
      giveUp,
    }),
  );
}

async function letters(bus: CompleteBus): Promise<StoredDeadLetter[]> {
  const found: StoredDeadLetter[] = [];
  for await (const stored of bus.read(DEADLETTER_FILTER, 'first')) found.push(readDeadLetter(stored));
  return found;
}

async function onlyLetter(bus: CompleteBus): Promise<StoredDeadLetter> {
  const [letter, other] = await letters(bus);
  if (letter === undefined || other !== undefined) throw new Error(`there are ${(await letters(bus)).length} dead letters`);
  return letter;
}

async function matched(bus: CompleteBus): Promise<string[]> {
  return (await readSteps(bus)).flatMap((step) => step.matches.map((match) => match.evidence.eventId)).sort();
}

let ids = 0;
function deps(bus: CompleteBus, acts: unknown[] = []): SettleDeps {
  return {
    bus,
    clock: systemClock,
    nextId: () => `n${(ids += 1)}`,
    privileged: async (_, act, effect) => {
      acts.push(act);
      return effect();
    },
  };
}

describe('an event that throws', () => {
  it('is a dead letter alone, with its bytes and where it stood, and its neighbours are judged', async () => {
    const { bus } = await openGround();
    await storeEvents(bus, [hit('a'), hit('bad', { poison: true }), hit('b'), hit('c')]);
    const matcher = start(bus);
    await until(async () => (await matched(bus)).length === 3);
    await matcher.stop();
    expect(await matched(bus)).toEqual(['a', 'b', 'c']);
    const { letter, body } = await onlyLetter(bus);
    expect(letter).toMatchObject({
      tenant: 'acme',
      consumer: 'match',
      state: 'waiting',
      kind: 'event',
      reason: 'threw',
      attempts: 2,
      index: 1,
      source: 'edr',
      eventId: 'bad',
      subject: 'tocsin.events.live.0.acme',
    });
    expect(letter.errors.at(-1)?.text).toContain('poison');
    const event = openFrame(body, { tenant: 'acme' }).event(0);
    expect(JSON.parse(Buffer.from(event.record).toString())).toEqual({ act: 'hit', id: 'bad', poison: true });
    expect((await readSteps(bus)).flatMap((step) => step.setAside ?? [])).toEqual([{ position: letter.position, index: 1 }]);
  });

  it('is judged when it was edited and given back, once, however often it is delivered', async () => {
    const { bus } = await openGround();
    await storeEvents(bus, [hit('bad', { poison: true }), hit('good')]);
    const matcher = start(bus);
    await until(async () => (await letters(bus)).length === 1 && (await matched(bus)).length === 1);
    const acts: unknown[] = [];
    const before = await onlyLetter(bus);
    const content = Buffer.from(JSON.stringify({ act: 'hit', id: 'bad' }));
    const edited = await editDeadLetter(deps(bus, acts), who, { ...before, content });
    expect(acts).toMatchObject([{ before: { sha256: before.letter.sha256 }, after: { sha256: edited.sha256 } }]);
    expect(edited.sha256).not.toBe(before.letter.sha256);
    const redriven = await redriveDeadLetter(deps(bus), who, await onlyLetter(bus));
    await until(async () => (await matched(bus)).length === 2);
    await matcher.stop();
    const steps = await readSteps(bus);
    expect(steps.filter((step) => step.origin === 'redrive').map((step) => step.matches.map((match) => match.evidence.at))).toEqual([
      [{ position: before.letter.position, index: 0 }],
    ]);
    expect((await onlyLetter(bus)).letter).toMatchObject({ state: 'redriven', redrives: 1 });
    // The same letter once more, under another message id: a matcher that starts anew finds its step in the log.
    const [stored] = await readAll(bus, RETRY_FILTER);
    expect(stored?.id).toBe(redriveId(redriven));
    const again = start(bus);
    await storeEvents(bus, [hit('later')]);
    await until(async () => (await matched(bus)).length === 3);
    await again.stop();
    expect(await matched(bus)).toEqual(['bad', 'good', 'later']);
  });

  it('waits again, with every attempt, when it fails once more', async () => {
    const { bus } = await openGround();
    await storeEvents(bus, [hit('bad', { poison: true })]);
    const matcher = start(bus);
    await until(async () => (await letters(bus)).length === 1);
    await redriveDeadLetter(deps(bus), who, await onlyLetter(bus));
    await until(async () => (await onlyLetter(bus)).letter.attempts === 4);
    await matcher.stop();
    const { letter } = await onlyLetter(bus);
    expect(letter).toMatchObject({ state: 'waiting', redrives: 1, attempts: 4 });
    expect(letter.errors.map((error) => error.attempt)).toEqual([2, 4]);
  });

  it('can be discarded once, and then neither edited nor redriven', async () => {
    const { bus } = await openGround();
    await storeEvents(bus, [hit('bad', { poison: true })]);
    const matcher = start(bus);
    await until(async () => (await letters(bus)).length === 1);
    await matcher.stop();
    const waiting = await onlyLetter(bus);
    await discardDeadLetter(deps(bus), who, { ...waiting, reason: 'a test' });
    const gone = await onlyLetter(bus);
    expect(gone.body).toHaveLength(0);
    expect(gone.letter).toMatchObject({ state: 'discarded', act: { actor: 'anna', reason: 'a test' } });
    await expect(redriveDeadLetter(deps(bus), who, gone)).rejects.toMatchObject({ code: 'deadletter.settled' });
    // Who looked before it was discarded is told of the conflict.
    await expect(redriveDeadLetter(deps(bus), who, waiting)).rejects.toMatchObject({ code: 'api.conflict' });
    await expect(editDeadLetter(deps(bus), who, { ...gone, content: Buffer.from('x') })).rejects.toMatchObject({
      code: 'deadletter.settled',
    });
  });
});

async function readAll(bus: CompleteBus, filter: string): Promise<{ id: string }[]> {
  const found: { id: string }[] = [];
  for await (const stored of bus.read(filter, 'first')) found.push(stored);
  return found;
}
