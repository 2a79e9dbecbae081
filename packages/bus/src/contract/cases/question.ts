/** Cases about questions and answers: one answer to one question or the reason why there is none, and nothing mistaken for another. */
import { strict as assert } from 'node:assert';
import { isTocsinError } from '@tocsin/core';
import type { CompleteBus } from '../../event-bus.ts';
import type { Answer, AnswerHandler, AnswerOptions, AskOptions, WholeAnswer } from '../../request-reply.ts';
import { at, bytesOf, type ContractCase, type ContractKit, numbers } from '../contract-kit.ts';

const TIMEOUT_MS = 5_000;

/** Asks and gives the answer as text. */
async function askText(bus: CompleteBus, subject: string, text: string, options: Partial<AskOptions> = {}): Promise<string> {
  return textOf(await bus.ask({ subject, body: bytesOf(text) }, { timeoutMs: TIMEOUT_MS, ...options }));
}

function textOf({ body }: Answer): string {
  return new TextDecoder().decode(body);
}

function says(prefix: string): AnswerHandler {
  return (question) => ({ body: bytesOf(prefix + textOf(question)) });
}

/** Answers, and waits until it can be reached from a bus: servers of a cluster tell each other. */
async function answering(
  kit: ContractKit,
  from: CompleteBus,
  { bus, filter, handle, options }: { bus: CompleteBus; filter: string; handle: AnswerHandler; options?: AnswerOptions },
): Promise<AsyncDisposable> {
  const withProbe: AnswerHandler = (question) => (textOf(question) === 'probe' ? { body: bytesOf('probe') } : handle(question));
  const answerer = await kit.settled(bus.answer(filter, withProbe, options), `an answerer of ${filter}`);
  await reachable(kit, from, filter);
  return answerer;
}

async function reachable(kit: ContractKit, from: CompleteBus, filter: string): Promise<void> {
  const subject = filter.replaceAll(/[*>]/g, 'probe');
  await kit.harness.time.until(async () => {
    try {
      return (await kit.settled(askText(from, subject, 'probe'), 'a probe')) === 'probe';
    } catch (error) {
      assert.ok(
        isTocsinError(error, 'bus.nobody_answers') || isTocsinError(error, 'bus.unavailable') || isTocsinError(error, 'bus.unanswered'),
        String(error),
      );
      return false;
    }
  }, `an answerer of ${filter} to be reached`);
}

/** A handler that keeps its questions until they are let go. */
function holding(): { handle: AnswerHandler; waiting: number; release(): void } {
  const open: (() => void)[] = [];
  return {
    get waiting() {
      return open.length;
    },
    handle: ({ body }) => new Promise((resolve) => open.push(() => resolve({ body }))),
    release: () => {
      for (const letGo of open.splice(0)) letGo();
    },
  };
}

const cases: readonly ContractCase[] = [
  {
    name: 'a question has one answer, with headers and bytes as they were given, registered at once for its own bus',
    async run(kit) {
      const bus = await kit.open();
      const subject = kit.askSubject('a');
      const seen: string[] = [];
      await using _answerer = await bus.answer(kit.askSubject('*'), ({ subject, headers, body }) => {
        seen.push(`${subject} ${JSON.stringify(headers)}`);
        return { headers: { 'Tocsin-Back': 'a b', 'x-1': '' }, body: body.slice().reverse() };
      });
      const body = Uint8Array.from({ length: 256 }, (_, i) => i);
      const answer = await kit.settled(
        bus.ask({ subject, headers: { 'Tocsin-There': '1' }, body }, { timeoutMs: TIMEOUT_MS }),
        'an answer',
      );
      assert.deepEqual(seen, [`${subject} {"Tocsin-There":"1"}`]);
      assert.deepEqual(answer.headers, { 'Tocsin-Back': 'a b', 'x-1': '' });
      assert.deepEqual([...answer.body], [...body].reverse());
      const empty = await kit.settled(bus.ask({ subject, body: new Uint8Array(0) }, { timeoutMs: TIMEOUT_MS }), 'an empty answer');
      assert.equal(empty.body.byteLength, 0);
    },
  },
  {
    name: 'where nobody answers, the asker hears it at once, also after the last answerer has gone',
    async run(kit) {
      const bus = await kit.open();
      const subject = kit.askSubject('a');
      const before = kit.harness.time.nowMs();
      await kit.refused(askText(bus, subject, 'x', { timeoutMs: 60_000 }), 'bus.nobody_answers');
      const answerer = await bus.answer(subject, says(''));
      assert.equal(await kit.settled(askText(bus, subject, 'x'), 'an answer'), 'x');
      await kit.settled(Promise.all([answerer[Symbol.asyncDispose](), answerer[Symbol.asyncDispose]()]), 'two calls to dispose');
      await kit.refused(askText(bus, subject, 'x', { timeoutMs: 60_000 }), 'bus.nobody_answers');
      assert.ok(kit.harness.time.nowMs() - before < 20_000, 'not after the time it would have waited');
    },
  },
  {
    name: 'an answer that comes too late is nobody’s: the next question has its own',
    async run(kit) {
      const bus = await kit.open();
      const subject = kit.askSubject('a');
      const slow = holding();
      const aborted: string[] = [];
      await using _answerer = await bus.answer(subject, (question) => {
        question.signal.addEventListener('abort', () => aborted.push(textOf(question)));
        return slow.handle(question);
      });
      await kit.refused(askText(bus, subject, 'former', { timeoutMs: 300 }), 'bus.unanswered');
      await kit.harness.time.until(() => aborted.length === 1, 'the answerer to hear that nobody waits');
      const next = askText(bus, subject, 'next');
      const settled = Promise.allSettled([next]);
      await kit.harness.time.until(() => slow.waiting === 2, 'the next question to arrive');
      slow.release();
      await kit.settled(settled, 'the next answer');
      assert.equal(await next, 'next');
    },
  },
  {
    name: 'many questions at once have each their own answer, whatever the order in which they are answered',
    async run(kit) {
      const [asker, answerer] = [await kit.open(), await kit.open()];
      const subject = kit.askSubject('a');
      const pending: (() => void)[] = [];
      await using _answering = await answering(kit, asker, {
        bus: answerer,
        filter: subject,
        options: { maxUnderWay: 200 },
        handle: ({ body }) => {
          const text = textOf({ body });
          return new Promise((resolve) => pending.push(() => resolve({ body: bytesOf(`re ${text}`) })));
        },
      });
      const asked = Promise.all(numbers(200).map((text) => askText(asker, subject, text)));
      const settled = Promise.allSettled([asked]);
      await kit.harness.time.until(() => pending.length === 200, 'all questions to arrive');
      while (pending.length > 0) pending.splice(kit.draw(pending.length), 1)[0]?.();
      await kit.settled(settled, 'all answers');
      assert.deepEqual(await asked, numbers(200, 're '));
    },
  },
  {
    name: 'answerers of a subject share its questions, each of which one has, by whatever filter it was taken',
    async run(kit) {
      const bus = await kit.open();
      const subject = kit.askSubject('a');
      const got: string[][] = [[], [], []];
      const filters = [subject, subject, kit.askSubject('>')];
      const answerers: AsyncDisposable[] = [];
      for (const [i, filter] of filters.entries()) {
        const handle: AnswerHandler = ({ body }) => {
          got[i]?.push(textOf({ body }));
          return { body };
        };
        answerers.push(await bus.answer(filter, handle));
      }
      for (const text of numbers(60)) assert.equal(await kit.settled(askText(bus, subject, text), 'an answer'), text);
      kit.note(`shares: ${got.map((each) => each.length).join(' ')}`);
      assert.deepEqual(got.flat().sort(), numbers(60).sort());
      assert.ok(
        got.every((each) => each.length > 0),
        'nobody is left out',
      );
      for (const each of answerers.slice(1)) await kit.settled(each[Symbol.asyncDispose](), 'an answerer to go');
      for (const text of numbers(5)) assert.equal(await kit.settled(askText(bus, subject, text), 'an answer of the last'), text);
      await kit.settled(at(answerers, 0)[Symbol.asyncDispose](), 'the last to go');
    },
  },
  {
    name: 'what an answerer throws is told: its code and its words, and it goes on answering',
    async run(kit) {
      const bus = await kit.open();
      const subject = kit.askSubject('a');
      const throwing: Record<string, AnswerHandler> = {
        thrown: () => {
          throw new Error('bräche \ud800 \r\nNats-X: 1');
        },
        rejected: () => Promise.reject('no error at all'),
        known: (question) => bus.ask({ ...question, subject: kit.askSubject('nobody') }, { timeoutMs: TIMEOUT_MS }),
        large: () => ({ body: new Uint8Array(kit.guarantees.maxMessageBytes + 1) }),
        header: () => ({ body: bytesOf(''), headers: { __proto__x: 'x' } }),
        bytes: () => ({ body: 'text' as unknown as Uint8Array }),
        nothing: () => undefined as unknown as Answer,
        long: () => Promise.reject(new Error('x'.repeat(100_000))),
        fine: ({ body }) => ({ body }),
      };
      await using _answerer = await bus.answer(subject, (question) => (throwing[textOf(question)] ?? says('what? '))(question));
      const told = async (text: string): Promise<{ code: unknown; reason: string }> => {
        const error = await kit.settled(
          askText(bus, subject, text).then(
            () => undefined,
            (failure: unknown) => failure,
          ),
          `the failure of ${text}`,
        );
        assert.ok(isTocsinError(error, 'bus.answer_failed'), `${text}: ${String(error)}`);
        return { code: error.details.code, reason: error.details.reason };
      };
      assert.deepEqual(await told('thrown'), { code: undefined, reason: 'bräche \ufffd \r\nNats-X: 1' });
      assert.deepEqual(await told('rejected'), { code: undefined, reason: 'no error at all' });
      const known = await told('known');
      assert.equal(known.code, 'bus.nobody_answers');
      assert.ok(known.reason.includes(kit.askSubject('nobody')));
      assert.equal((await told('large')).code, 'bus.too_large');
      assert.equal((await told('header')).code, 'bus.bad_request');
      assert.equal((await told('bytes')).code, 'bus.bad_request');
      assert.equal((await told('nothing')).code, undefined);
      assert.ok((await told('long')).reason.length < 2_000);
      assert.equal(await kit.settled(askText(bus, subject, 'fine'), 'an answer'), 'fine');
    },
  },
  {
    name: 'an answerer takes no more questions than it said, refuses the rest at once, and counts a handler until it has ended',
    async run(kit) {
      const bus = await kit.open();
      const subject = kit.askSubject('a');
      const slow = holding();
      let isQuick = false;
      await using _answerer = await bus.answer(subject, (question) => (isQuick ? question : slow.handle(question)), { maxUnderWay: 2 });
      const first = numbers(2).map((text) => askText(bus, subject, text, { timeoutMs: 500 }));
      const settled = Promise.allSettled(first);
      await kit.harness.time.until(() => slow.waiting === 2, 'two questions to arrive');
      await kit.refused(askText(bus, subject, 'third'), 'bus.busy');
      await kit.settled(settled, 'the time of the first two to be over');
      for (const each of first) await kit.refused(each, 'bus.unanswered');
      await kit.refused(askText(bus, subject, 'fourth'), 'bus.busy');
      slow.release();
      isQuick = true;
      // The handlers come to an end in their own time.
      await kit.harness.time.until(async () => {
        const answer = await askText(bus, subject, 'fifth').catch((error: unknown) => error);
        assert.ok(answer === 'fifth' || isTocsinError(answer, 'bus.busy'), String(answer));
        return answer === 'fifth';
      }, 'room');
    },
  },
  {
    name: 'a bus asks only so much at once',
    async run(kit) {
      const bus = await kit.open();
      const subject = kit.askSubject('a');
      const slow = holding();
      await using _answerer = await bus.answer(subject, slow.handle, { maxUnderWay: 4_000 });
      const most = Array.from({ length: 1_024 }, () => askText(bus, subject, 'x', { timeoutMs: 60_000 }));
      const settled = Promise.allSettled(most);
      await kit.refused(askText(bus, subject, 'one more'), 'bus.busy');
      await kit.harness.time.until(() => slow.waiting === most.length, 'all of them to arrive');
      slow.release();
      const outcomes = await kit.settled(settled, 'all of them to be answered');
      assert.ok(outcomes.every((each) => each.status === 'fulfilled'));
      const large = bytesOf('x'.repeat(Math.min(1024 ** 2, kit.guarantees.maxMessageBytes)));
      const bodies = Array.from({ length: 40 }, () => bus.ask({ subject, body: large }, { timeoutMs: 60_000 }));
      const byBytes = Promise.allSettled(bodies);
      let ended: readonly PromiseSettledResult<WholeAnswer>[] | undefined;
      void byBytes.then((all) => {
        ended = all;
      });
      await kit.harness.time.until(() => {
        slow.release();
        return ended !== undefined;
      }, 'all to end');
      const refusals = (ended ?? []).filter((each) => each.status === 'rejected');
      assert.ok(refusals.length > 0 && refusals.every((each) => isTocsinError(each.reason, 'bus.busy')), `${refusals.length} refused`);
    },
  },
  {
    name: 'refuses to ask wildcards, subjects of a stream, too much, too long, and headers that could be mistaken',
    async run(kit) {
      const ground = await kit.ground();
      const { bus } = ground;
      const subject = kit.askSubject('a');
      const body = bytesOf('x');
      await using _answerer = await bus.answer(kit.askSubject('>'), says(''));
      for (const bad of [
        kit.askSubject('*'),
        kit.askSubject('>'),
        '',
        'a..b',
        '$JS.API.INFO',
        '_INBOX.a',
        'a b',
        'a\r\nb',
        ground.subject('a'),
      ])
        await kit.refused(bus.ask({ subject: bad, body }, { timeoutMs: TIMEOUT_MS }), 'bus.bad_subject');
      for (const timeoutMs of [0, -1, 1.5, Number.NaN, 120_001])
        await kit.refused(bus.ask({ subject, body }, { timeoutMs }), 'bus.bad_request');
      for (const headers of [{ 'Nats-X': 'a' }, { 'nats-x': 'a' }, { a: 'b\r\nc' }, { 'a b': 'c' }, { a: 'ä' }, { a: ' ' }])
        await kit.refused(bus.ask({ subject, headers, body }, { timeoutMs: TIMEOUT_MS }), 'bus.bad_request');
      const large = new Uint8Array(kit.guarantees.maxMessageBytes + 1);
      await kit.refused(bus.ask({ subject, body: large }, { timeoutMs: TIMEOUT_MS }), 'bus.too_large');
      for (const bad of ['', 'a..b', '$JS.>', ground.subject('a'), ground.all, '>'])
        await kit.refused(bus.answer(bad, says('')), 'bus.bad_subject');
      for (const maxUnderWay of [0, 1.5, 5_000]) await kit.refused(bus.answer(subject, says(''), { maxUnderWay }), 'bus.bad_request');
      assert.deepEqual(await kit.texts(bus, ground.all), [], 'no stream has kept a question');
      const largest = new Uint8Array(kit.guarantees.maxMessageBytes).fill(120);
      assert.equal(
        (await kit.settled(bus.ask({ subject, body: largest }, { timeoutMs: 30_000 }), 'the largest')).body.byteLength,
        largest.byteLength,
      );
    },
  },
  {
    name: 'an abort ends a question at once and takes back nothing',
    async run(kit) {
      const bus = await kit.open();
      const subject = kit.askSubject('a');
      const slow = holding();
      await using _answerer = await bus.answer(subject, slow.handle);
      const reason = new Error('stopped');
      await kit.rejectedWith(askText(bus, subject, 'x', { signal: AbortSignal.abort(reason) }), reason, 'a question');
      assert.equal(slow.waiting, 0);
      const stop = new AbortController();
      const asked = askText(bus, subject, 'x', { signal: stop.signal, timeoutMs: 60_000 });
      const settled = Promise.allSettled([asked]);
      await kit.harness.time.until(() => slow.waiting === 1, 'the question to arrive');
      stop.abort(reason);
      await kit.settled(settled, 'the question to end');
      await kit.rejectedWith(asked, reason, 'a question');
      slow.release();
    },
  },
  {
    name: 'disposing an answerer lets it answer what it has, and closing its bus answers for it',
    async run(kit) {
      const [asker, leaving] = [await kit.open(), await kit.open()];
      const subject = kit.askSubject('a');
      const slow = holding();
      const answerer = await answering(kit, asker, { bus: leaving, filter: subject, handle: slow.handle });
      const asked = askText(asker, subject, 'x');
      const settled = Promise.allSettled([asked]);
      await kit.harness.time.until(() => slow.waiting === 1, 'the question to arrive');
      const disposing = answerer[Symbol.asyncDispose]();
      // On a cluster the others hear a moment later; until then a question may still come.
      await kit.harness.time.pass(100);
      await kit.refused(askText(asker, subject, 'later'), 'bus.nobody_answers');
      slow.release();
      await kit.settled(Promise.all([disposing, settled]), 'the answer and the end');
      assert.equal(await asked, 'x');
      const other = kit.askSubject('b');
      const aborted: boolean[] = [];
      await answering(kit, asker, {
        bus: leaving,
        filter: other,
        handle: (question) => {
          question.signal.addEventListener('abort', () => aborted.push(true));
          return slow.handle(question);
        },
      });
      const left = askText(asker, other, 'x', { timeoutMs: 60_000 });
      const leftSettled = Promise.allSettled([left]);
      await kit.harness.time.until(() => slow.waiting === 1, 'the question to arrive');
      await kit.settled(leaving[Symbol.asyncDispose](), 'the bus to close');
      await kit.settled(leftSettled, 'the question to end');
      await assert.rejects(left, (error) => isTocsinError(error, 'bus.answer_failed') && error.details.code === 'bus.closed');
      assert.deepEqual(aborted, [true]);
      slow.release();
    },
  },
  {
    name: 'closing ends what is asked, and what is asked or answered after is refused',
    async run(kit) {
      const [asker, answerer] = [await kit.open(), await kit.open()];
      const subject = kit.askSubject('a');
      const slow = holding();
      await using _answering = await answering(kit, asker, { bus: answerer, filter: subject, handle: slow.handle });
      const asked = askText(asker, subject, 'x', { timeoutMs: 60_000 });
      const settled = Promise.allSettled([asked]);
      await kit.harness.time.until(() => slow.waiting === 1, 'the question to arrive');
      await kit.settled(asker[Symbol.asyncDispose](), 'the bus to close');
      await kit.settled(settled, 'the question to end');
      await kit.refused(asked, 'bus.closed');
      await kit.refused(askText(asker, subject, 'x'), 'bus.closed');
      await kit.refused(asker.answer(subject, says('')), 'bus.closed');
      slow.release();
    },
  },
  {
    name: 'a question under way when the server is killed ends, and answerers are there again when it is back',
    async run(kit) {
      const [asker, answerer] = [await kit.open(), await kit.open()];
      const subject = kit.askSubject('a');
      const slow = holding();
      let isQuick = false;
      const handle: AnswerHandler = (question) => (isQuick ? question : slow.handle(question));
      await using _answering = await answering(kit, asker, { bus: answerer, filter: subject, handle });
      const asked = askText(asker, subject, 'x', { timeoutMs: 60_000 });
      const settled = Promise.allSettled([asked]);
      await kit.harness.time.until(() => slow.waiting === 1, 'the question to arrive');
      const before = kit.harness.time.nowMs();
      await kit.harness.stopServer({ kill: true });
      await kit.settled(settled, 'the question to end');
      assert.ok(kit.harness.time.nowMs() - before < 20_000, 'not after the time it would have waited');
      await kit.refused(asked, 'bus.unanswered');
      await kit.refused(askText(asker, subject, 'x', { timeoutMs: 200 }), 'bus.unavailable');
      await kit.harness.startServer();
      slow.release();
      isQuick = true;
      await reachable(kit, asker, subject);
      for (const text of numbers(3)) assert.equal(await kit.settled(askText(asker, subject, text), 'an answer'), text);
    },
  },
  {
    name: 'a server that hangs leaves a question unanswered when its time is over',
    async run(kit) {
      const bus = await kit.open();
      const subject = kit.askSubject('a');
      await using _answerer = await bus.answer(subject, says(''));
      const resume = await kit.harness.pauseServer();
      const asked = askText(bus, subject, 'x', { timeoutMs: 500 });
      const settled = Promise.allSettled([asked]);
      await kit.settled(settled, 'the question to end');
      await kit.refused(asked, 'bus.unanswered');
      await resume();
      await reachable(kit, bus, subject);
      assert.equal(await kit.settled(askText(bus, subject, 'y'), 'an answer'), 'y');
    },
  },
];

/** An adapter without questions is held to saying so. */
const refusing = (each: ContractCase): ContractCase => ({
  name: each.name,
  async run(kit) {
    if (kit.guarantees.questions) return await each.run(kit);
    const bus = await kit.open();
    await kit.refused(askText(bus, kit.askSubject('a'), 'x'), 'bus.unsupported');
    await kit.refused(bus.answer(kit.askSubject('a'), says('')), 'bus.unsupported');
  },
});

/** Questions and answers. */
export const questionCases: readonly ContractCase[] = cases.map(refusing);
