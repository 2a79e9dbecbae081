/** What cases about questions are written with, beside the kit of all. */
import { strict as assert } from 'node:assert';
import { isTocsinError } from '@tocsin/core';
import type { CompleteBus } from '../event-bus.ts';
import type { Answer, AnswerHandler, AnswerOptions, AskOptions } from '../request-reply.ts';
import { bytesOf, type ContractCase, type ContractKit } from './contract-kit.ts';

/** Long enough for every answer of a case, milliseconds. */
export const TIMEOUT_MS = 5_000;

/** Asks and gives the answer as text. */
export async function askText(
  bus: CompleteBus,
  [subject, text]: readonly [string, string],
  options: Partial<AskOptions> = {},
): Promise<string> {
  return textOf(await bus.ask({ subject, body: bytesOf(text) }, { timeoutMs: TIMEOUT_MS, ...options }));
}

/** Its body as text. */
export function textOf({ body }: Answer): string {
  return new TextDecoder().decode(body);
}

/** Answers with a text before that of the question. */
export function says(prefix: string): AnswerHandler {
  return (question) => ({ body: bytesOf(prefix + textOf(question)) });
}

/** Answers, and waits until it can be reached from a bus: servers of a cluster tell each other. */
export async function answering(
  kit: ContractKit,
  from: CompleteBus,
  { bus, filter, handle, options }: { bus: CompleteBus; filter: string; handle: AnswerHandler; options?: AnswerOptions },
): Promise<AsyncDisposable> {
  const withProbe: AnswerHandler = (question) => (textOf(question) === 'probe' ? { body: bytesOf('probe') } : handle(question));
  const answerer = await kit.settled(bus.answer(filter, withProbe, options), `an answerer of ${filter}`);
  await reachable(kit, from, filter);
  return answerer;
}

/** Resolves when a question comes to an answerer that was opened by `answering`, or gives back what it is given. */
export async function reachable(kit: ContractKit, from: CompleteBus, filter: string): Promise<void> {
  const subject = filter.replaceAll(/[*>]/g, 'probe');
  await kit.harness.time.until(async () => {
    try {
      return (await kit.settled(askText(from, [subject, 'probe']), 'a probe')) === 'probe';
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
export function holding(): { handle: AnswerHandler; waiting: number; release(): void } {
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

/** An adapter without questions is held to saying so. */
export function whereAsked(each: ContractCase): ContractCase {
  return {
    name: each.name,
    async run(kit) {
      if (kit.guarantees.questions) return await each.run(kit);
      const bus = await kit.open();
      await kit.refused(askText(bus, [kit.askSubject('a'), 'x']), 'bus.unsupported');
      await kit.refused(bus.answer(kit.askSubject('a'), says('')), 'bus.unsupported');
    },
  };
}
