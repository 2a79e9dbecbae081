/** Cases about questions and answers: one answer to one question or the reason why there is none, and nothing mistaken for another. */
import { strict as assert } from 'node:assert';
import { isTocsinError } from '@tocsin/core';
import type { Answer, AnswerHandler } from '../../request-reply.ts';
import { answering, askText, holding, says, TIMEOUT_MS, textOf, whereAsked } from '../asking-kit.ts';
import { at, bytesOf, type ContractCase, numbers } from '../contract-kit.ts';

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
      await kit.refused(askText(bus, [subject, 'x'], { timeoutMs: 60_000 }), 'bus.nobody_answers');
      const answerer = await bus.answer(subject, says(''));
      assert.equal(await kit.settled(askText(bus, [subject, 'x']), 'an answer'), 'x');
      await kit.settled(Promise.all([answerer[Symbol.asyncDispose](), answerer[Symbol.asyncDispose]()]), 'two calls to dispose');
      await kit.refused(askText(bus, [subject, 'x'], { timeoutMs: 60_000 }), 'bus.nobody_answers');
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
      await kit.refused(askText(bus, [subject, 'former'], { timeoutMs: 300 }), 'bus.unanswered');
      await kit.harness.time.until(() => aborted.length === 1, 'the answerer to hear that nobody waits');
      const next = askText(bus, [subject, 'next']);
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
      const asked = Promise.all(numbers(200).map((text) => askText(asker, [subject, text])));
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
      for (const text of numbers(60)) assert.equal(await kit.settled(askText(bus, [subject, text]), 'an answer'), text);
      kit.note(`shares: ${got.map((each) => each.length).join(' ')}`);
      assert.deepEqual(got.flat().sort(), numbers(60).sort());
      assert.ok(
        got.every((each) => each.length > 0),
        'nobody is left out',
      );
      for (const each of answerers.slice(1)) await kit.settled(each[Symbol.asyncDispose](), 'an answerer to go');
      for (const text of numbers(5)) assert.equal(await kit.settled(askText(bus, [subject, text]), 'an answer of the last'), text);
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
          askText(bus, [subject, text]).then(
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
      assert.equal(await kit.settled(askText(bus, [subject, 'fine']), 'an answer'), 'fine');
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
      for (const bad of ['', 'a..b', '$JS.>', ground.subject('a'), ground.all, '>', '*', '*.a'])
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
];

/** Questions and answers. */
export const questionCases: readonly ContractCase[] = cases.map(whereAsked);
