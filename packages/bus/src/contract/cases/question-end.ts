/** Cases about how questions end otherwise: bounds, aborts, answerers and buses that close, servers that die or hang. */
import { strict as assert } from 'node:assert';
import { isTocsinError } from '@tocsin/core';
import type { AnswerHandler, WholeAnswer } from '../../request-reply.ts';
import { answering, askText, holding, reachable, says, whereAsked } from '../asking-kit.ts';
import { bytesOf, type ContractCase, numbers } from '../contract-kit.ts';

const cases: readonly ContractCase[] = [
  {
    name: 'an answerer takes no more questions than it said, refuses the rest at once, and counts a handler until it has ended',
    async run(kit) {
      const bus = await kit.open();
      const subject = kit.askSubject('a');
      const slow = holding();
      let isQuick = false;
      await using _answerer = await bus.answer(subject, (question) => (isQuick ? question : slow.handle(question)), { maxUnderWay: 2 });
      const first = numbers(2).map((text) => askText(bus, [subject, text], { timeoutMs: 500 }));
      const settled = Promise.allSettled(first);
      await kit.harness.time.until(() => slow.waiting === 2, 'two questions to arrive');
      await kit.refused(askText(bus, [subject, 'third']), 'bus.busy');
      await kit.settled(settled, 'the time of the first two to be over');
      for (const each of first) await kit.refused(each, 'bus.unanswered');
      await kit.refused(askText(bus, [subject, 'fourth']), 'bus.busy');
      slow.release();
      isQuick = true;
      // The handlers come to an end in their own time.
      await kit.harness.time.until(async () => {
        const answer = await askText(bus, [subject, 'fifth']).catch((error: unknown) => error);
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
      const most = Array.from({ length: 1_024 }, () => askText(bus, [subject, 'x'], { timeoutMs: 60_000 }));
      const settled = Promise.allSettled(most);
      await kit.refused(askText(bus, [subject, 'one more']), 'bus.busy');
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
    name: 'an abort ends a question at once and takes back nothing',
    async run(kit) {
      const bus = await kit.open();
      const subject = kit.askSubject('a');
      const slow = holding();
      await using _answerer = await bus.answer(subject, slow.handle);
      const reason = new Error('stopped');
      await kit.rejectedWith(askText(bus, [subject, 'x'], { signal: AbortSignal.abort(reason) }), reason, 'a question');
      assert.equal(slow.waiting, 0);
      const stop = new AbortController();
      const asked = askText(bus, [subject, 'x'], { signal: stop.signal, timeoutMs: 60_000 });
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
      const asked = askText(asker, [subject, 'x']);
      const settled = Promise.allSettled([asked]);
      await kit.harness.time.until(() => slow.waiting === 1, 'the question to arrive');
      const disposing = answerer[Symbol.asyncDispose]();
      // On a cluster the others hear a moment later; until then a question may still come.
      await kit.harness.time.pass(100);
      await kit.refused(askText(asker, [subject, 'later']), 'bus.nobody_answers');
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
      const left = askText(asker, [other, 'x'], { timeoutMs: 60_000 });
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
      const asked = askText(asker, [subject, 'x'], { timeoutMs: 60_000 });
      const settled = Promise.allSettled([asked]);
      await kit.harness.time.until(() => slow.waiting === 1, 'the question to arrive');
      await kit.settled(asker[Symbol.asyncDispose](), 'the bus to close');
      await kit.settled(settled, 'the question to end');
      await kit.refused(asked, 'bus.closed');
      await kit.refused(askText(asker, [subject, 'x']), 'bus.closed');
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
      const asked = askText(asker, [subject, 'x'], { timeoutMs: 60_000 });
      const settled = Promise.allSettled([asked]);
      await kit.harness.time.until(() => slow.waiting === 1, 'the question to arrive');
      const before = kit.harness.time.nowMs();
      await kit.harness.stopServer({ kill: true });
      await kit.settled(settled, 'the question to end');
      assert.ok(kit.harness.time.nowMs() - before < 20_000, 'not after the time it would have waited');
      await kit.refused(asked, 'bus.unanswered');
      await kit.refused(askText(asker, [subject, 'x'], { timeoutMs: 200 }), 'bus.unavailable');
      await kit.harness.startServer();
      slow.release();
      isQuick = true;
      await reachable(kit, asker, subject);
      for (const text of numbers(3)) assert.equal(await kit.settled(askText(asker, [subject, text]), 'an answer'), text);
    },
  },
  {
    name: 'a server that hangs leaves a question unanswered when its time is over',
    async run(kit) {
      const bus = await kit.open();
      const subject = kit.askSubject('a');
      await using _answerer = await bus.answer(subject, says(''));
      const resume = await kit.harness.pauseServer();
      const asked = askText(bus, [subject, 'x'], { timeoutMs: 500 });
      const settled = Promise.allSettled([asked]);
      await kit.settled(settled, 'the question to end');
      await kit.refused(asked, 'bus.unanswered');
      await resume();
      await reachable(kit, bus, subject);
      assert.equal(await kit.settled(askText(bus, [subject, 'y']), 'an answer'), 'y');
    },
  },
];

/** Ends of questions. */
export const questionEndCases: readonly ContractCase[] = cases.map(whereAsked);
