/** The suite itself under test: it must fail a bus that breaks a promise, and hold a weaker bus to its weaker promise. */
import { strict as assert } from 'node:assert';
import { isTocsinError, TocsinError } from '@tocsin/core';
import { test } from 'vitest';
import type { CommitOptions, CompleteBus, Delivery, Guarantees, Outgoing, Published, Subscription } from '../event-bus.ts';
import { openMemoryHarness } from '../memory/memory-harness.ts';
import type { AnswerHandler } from '../request-reply.ts';
import { at } from './contract-kit.ts';
import { type ContractCase, checkWaivers, contractCases, type OpenHarness, runCase, runContract } from './index.ts';

/** One way to break a bus, and a case that must notice. */
interface Fault {
  readonly what: string;
  readonly caught: string;
  readonly change: (bus: CompleteBus) => Partial<CompleteBus> | { [Symbol.asyncDispose](): Promise<void> };
}

let renamed = 0;

const FAULTS: readonly Fault[] = [
  {
    what: 'ignores expectations',
    caught: 'an expectation that holds is stored, one that does not is fenced',
    change: (bus) => ({ commit: (messages) => bus.commit(messages.map((each) => ({ ...each, expect: undefined }))) }),
  },
  {
    what: 'stores a commit message by message',
    caught: 'one failed expectation refuses the whole commit',
    change: (bus) => ({ commit: (messages) => oneByOne(bus, messages) }),
  },
  {
    what: 'forgets ids',
    caught: 'a single message sent again is a duplicate at its first position',
    change: (bus) => ({ commit: (messages) => bus.commit(messages.map((each) => ({ ...each, id: `${each.id}-${renamed++}` }))) }),
  },
  {
    what: 'calls nothing a duplicate',
    caught: 'a commit sent again is a duplicate throughout, at its first positions',
    change: (bus) => ({ commit: async (messages) => (await bus.commit(messages)).map((each) => ({ ...each, duplicate: false })) }),
  },
  {
    what: 'answers though nothing is stored',
    caught: 'a server killed while commits are under way loses and doubles nothing answered',
    change: (bus) => ({
      commit: (messages) =>
        bus.commit(messages).catch((error: { code?: string }) => (error.code === 'bus.unknown' ? [] : Promise.reject(error))),
    }),
  },
  {
    what: 'loses the first message of a read',
    caught: 'a read begins and ends where it is told',
    change: (bus) => ({ read: (...request) => skipFirst(bus.read(...request)) }),
  },
  {
    what: "takes positions of a stream's earlier life",
    caught: 'a stream made anew never takes a position of its earlier life',
    change: (bus) => ({ get: (positions) => bus.get(positions).catch(() => []) }),
  },
  {
    what: 'reads more than its filter',
    caught: 'filters take what the oracle says, reading and subscribed',
    change: (bus) => ({ read: (filter, ...rest) => bus.read(filter.replace(/\.[^.]+$/, '.>'), ...rest) }),
  },
  {
    what: 'counts no attempts',
    caught: 'what is not answered comes again after its ack wait, its attempts counted',
    change: (bus) => ({
      subscribe: async (...request) => deliveries(await bus.subscribe(...request), (each) => ({ ...each, attempt: 1 })),
    }),
  },
  {
    what: 'does not acknowledge',
    caught: 'messages are delivered in order, once, and acknowledged for good',
    change: (bus) => ({
      subscribe: async (...request) => deliveries(await bus.subscribe(...request), (each) => ({ ...each, ack: () => true })),
    }),
  },
  {
    what: 'hands out without bound',
    caught: 'a member holds no more messages than it asked for',
    change: (bus) => ({ subscribe: (filter, options) => bus.subscribe(filter, { ...options, maxMessages: undefined }) }),
  },
  { what: 'purges nothing', caught: 'a purge removes what its filter takes up to a position', change: () => ({ purge: async () => 0 }) },
  {
    what: 'reports no drift',
    caught: 'what differs is updated where it may be and reported in any case',
    change: (bus) => ({ ensure: async (topology) => (await bus.ensure(topology), []) }),
  },
  {
    what: 'lets the last writer win',
    caught: 'a value changes only for who knows its revision',
    change: (bus) => ({
      bucket: (name) => {
        const bucket = bus.bucket(name);
        return { ...bucket, put: async (key, value) => bucket.put(key, value, (await bucket.get(key))?.revision ?? 0) };
      },
    }),
  },
  {
    what: 'does not hear an abort',
    caught: 'an abort ends the wait of an iteration, a read and a watch',
    change: (bus) => ({ read: (filter, from, options) => bus.read(filter, from, { ...options, signal: undefined }) }),
  },
  {
    what: 'registers a subscription late',
    caught: 'a subscription is registered when it resolves',
    change: (bus) => ({
      subscribe: async (...request) => {
        let joined: Promise<Subscription> | undefined;
        const join = (): Promise<Subscription> => (joined ??= bus.subscribe(...request));
        return {
          [Symbol.asyncIterator]: () => ({ next: async () => (await join())[Symbol.asyncIterator]().next() }),
          [Symbol.asyncDispose]: async () => (await join())[Symbol.asyncDispose](),
        };
      },
    }),
  },
  {
    what: 'repeats what a following read has shown',
    caught: 'a following read survives restarts without gap or repeat',
    change: (bus) => ({ read: (...request) => repeatEvery(10, bus.read(...request)) }),
  },
  {
    what: 'keeps quiet about deletions',
    caught: "a watch tells present values, then every key's changes and deletions",
    change: (bus) => ({
      bucket: (name) => ({ ...bus.bucket(name), watch: (options) => withoutDeletions(bus.bucket(name).watch(options)) }),
    }),
  },
  {
    what: 'gives a question the answer of another',
    caught: 'many questions at once have each their own answer, whatever the order in which they are answered',
    change: (bus) => {
      let first: ReturnType<CompleteBus['ask']> | undefined;
      return {
        ask: (question, options) => (question.body.length === 5 ? bus.ask(question, options) : (first ??= bus.ask(question, options))),
      };
    },
  },
  {
    what: 'waits for whoever is not there',
    caught: 'where nobody answers, the asker hears it at once, also after the last answerer has gone',
    change: (bus) => ({
      ask: (...request) =>
        bus.ask(...request).catch((error: unknown) => {
          throw isTocsinError(error, 'bus.nobody_answers') ? new TocsinError('bus.unanswered', { subject: '', waitedMs: 0 }) : error;
        }),
    }),
  },
  {
    what: 'tells an answerer nothing of its bound',
    caught: 'an answerer takes no more questions than it said, refuses the rest at once, and counts a handler until it has ended',
    change: (bus) => ({ answer: (filter, handle) => bus.answer(filter, handle) }),
  },
  {
    what: 'gives a question to all who answer it',
    caught: 'answerers of a subject share its questions, each of which one has, by whatever filter it was taken',
    change: (bus) => {
      const all: AnswerHandler[] = [];
      return {
        answer: (filter, handle, options) => {
          all.push(handle);
          return bus.answer(filter, async (question) => at(await Promise.all(all.map(async (each) => await each(question))), 0), options);
        },
      };
    },
  },
  {
    what: 'ends no wait on closing',
    caught: 'closing ends every wait and refuses everything after',
    change: () => ({ [Symbol.asyncDispose]: async () => undefined }),
  },
];

test.for(FAULTS)('a bus that $what is caught', { timeout: 30_000 }, async ({ caught, change }) => {
  const contractCase = caseNamed(caught);
  await runCase(contractCase, openMemoryHarness, 1);
  await assert.rejects(runCase(contractCase, changed(change), 1), /seed: 1/);
});

test('a failure tells adapter, guarantees, seed, and what was seen in order', async () => {
  const failing: ContractCase = {
    name: 'fails',
    async run(kit) {
      const { bus, all, subject } = await kit.ground();
      await kit.write(bus, subject('a'), ['first', 'second']);
      await kit.readAll(bus, all);
      throw new Error('the reason');
    },
  };
  const failure = await runCase(failing, openMemoryHarness, 77).then(
    () => '',
    (error: Error) => error.message,
  );
  for (const part of ['the reason', 'case: fails', '"bus":"memory"', '"durability":"none"', 'seed: 77'])
    assert.ok(failure.includes(part), part);
  assert.match(failure, /first at [^]*second at /);
});

test('what a closed bus leaves open fails the case', { timeout: 30_000 }, async () => {
  const harmless: ContractCase = { name: 'harmless', run: async (kit) => void (await kit.ground()) };
  const leaking: OpenHarness = async (seed) => ({ ...(await openMemoryHarness(seed)), leaks: async () => ['a socket'] });
  await runCase(harmless, openMemoryHarness, 1);
  await assert.rejects(runCase(harmless, leaking, 1), /closed buses to leave nothing behind[^]*a socket/);
});

test('a waiver of an unknown case, twice, or without a reason is refused', () => {
  const name = contractCases[0]?.name ?? '';
  checkWaivers(contractCases, [{ case: name, reason: 'known' }]);
  assert.throws(() => checkWaivers(contractCases, [{ case: 'no such case', reason: 'known' }]));
  assert.throws(() => checkWaivers(contractCases, [{ case: name, reason: '' }]));
  assert.throws(() =>
    checkWaivers(contractCases, [
      { case: name, reason: 'a' },
      { case: name, reason: 'b' },
    ]),
  );
});

test('a waived case that passes fails, one that fails passes', async () => {
  const passing: ContractCase = { name: 'passes', run: async () => undefined };
  const failing: ContractCase = { name: 'fails', run: () => Promise.reject(new Error('broken')) };
  const registered = new Map<string, () => Promise<void>>();
  runContract({
    name: 'x',
    openHarness: openMemoryHarness,
    seed: 1,
    cases: [passing, failing],
    waivers: [
      { case: 'passes', reason: 'r' },
      { case: 'fails', reason: 'r' },
    ],
    test: (title, run) => void registered.set(title, run),
  });
  assert.equal(registered.size, 3);
  await assert.rejects(registered.get('x: passes (waived: r)')?.() ?? Promise.resolve(), /remove its waiver/);
  await registered.get('x: fails (waived: r)')?.();
});

/** Weaker buses, held to what they say of themselves. */
const forgetful = weaker({ dedupWindowMs: 0 }, (bus) => ({
  commit: (messages, options) =>
    bus.commit(
      messages.map((each) => ({ ...each, id: `${each.id}-${renamed++}` })),
      options,
    ),
}));
const piecemeal = weaker({ atomicCommit: false }, (bus) => ({ commit: (messages, options) => oneByOne(bus, messages, options) }));
const weakerCases = contractCases.filter((each) =>
  /sent again|known in part|ids are remembered|id is forgotten|under way|without an answer/.test(each.name),
);

runContract({
  name: 'a bus that forgets ids',
  seed: 1,
  test,
  openHarness: forgetful,
  cases: weakerCases.filter((each) => !/loses and doubles/.test(each.name)),
});
const unsupported = (): Promise<never> =>
  Promise.reject(new TocsinError('bus.unsupported', { component: 'A test', guarantee: 'questions', bus: 'test' }));
runContract({
  name: 'a bus without questions',
  seed: 1,
  test,
  openHarness: weaker({ questions: false }, () => ({ ask: unsupported, answer: unsupported })),
  cases: [caseNamed('a bus asks only so much at once')],
});
runContract({
  name: 'a bus without atomic commits',
  seed: 1,
  test,
  openHarness: piecemeal,
  cases: [caseNamed('one failed expectation refuses the whole commit')],
});

function caseNamed(name: string): ContractCase {
  const found = contractCases.find((each) => each.name === name);
  assert.ok(found !== undefined, name);
  return found;
}

function changed(change: Fault['change']): OpenHarness {
  return async (seed) => {
    const harness = await openMemoryHarness(seed);
    return {
      ...harness,
      openBus: async () => {
        const bus = await harness.openBus();
        return { ...bus, ...change(bus) };
      },
    };
  };
}

function weaker(guarantees: Partial<Guarantees>, change: Fault['change']): OpenHarness {
  return changed((bus) => ({ ...change(bus), guarantees: { ...bus.guarantees, ...guarantees } }));
}

async function oneByOne(bus: CompleteBus, messages: readonly Outgoing[], options?: CommitOptions): Promise<Published[]> {
  const published: Published[] = [];
  for (const message of messages) published.push(...(await bus.commit([message], options)));
  return published;
}

async function* skipFirst<T>(items: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
  let skipped = false;
  for await (const item of items) {
    if (skipped) yield item;
    skipped = true;
  }
}

async function* repeatEvery<T>(count: number, items: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
  let seen = 0;
  for await (const item of items) {
    yield item;
    seen += 1;
    if (seen % count === 0) yield item;
  }
}

async function* withoutDeletions<T extends { readonly deleted: boolean }>(changes: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
  for await (const change of changes) if (!change.deleted) yield change;
}

function deliveries(subscription: Subscription, change: (delivery: Delivery) => Delivery): Subscription {
  return {
    [Symbol.asyncDispose]: () => subscription[Symbol.asyncDispose](),
    [Symbol.asyncIterator]: () => {
      const iterator = subscription[Symbol.asyncIterator]();
      return {
        async next() {
          const result = await iterator.next();
          return result.done ? result : { done: false, value: change(result.value) };
        },
      };
    },
  };
}
