/**
 * Questions to a thread and answers back, typed by one interface that both sides share. A thread that ends fails every
 * open question; an error crosses with its code, so that it is the same error on this side.
 */
import type { MessagePort, Worker } from 'node:worker_threads';
import { type ErrorCode, type ErrorDetails, TocsinError } from '@tocsin/core';

/** What a thread answers: names to functions of plain, cloneable data. */
export type ThreadApi = Readonly<Record<string, (...args: never[]) => unknown>>;

/** The same functions as seen from outside the thread. */
export type ThreadClient<A extends ThreadApi> = {
  readonly [K in keyof A]: (...args: Parameters<A[K]>) => Promise<Awaited<ReturnType<A[K]>>>;
};

interface Question {
  readonly ask: number;
  readonly name: string;
  readonly args: readonly unknown[];
}

interface Answer {
  readonly answer: number;
  readonly value?: unknown;
  readonly failed?: { readonly text: string; readonly code?: ErrorCode; readonly details?: unknown };
}

/** Answers questions that come in on a port with the functions of `api`. */
export function answerCalls(port: MessagePort, api: ThreadApi): void {
  port.on('message', (message: Question) => {
    if (typeof message.ask !== 'number') return;
    // Wrapped so that a function that throws at once is answered like one that rejects.
    Promise.resolve()
      .then(() => {
        if (!Object.hasOwn(api, message.name)) throw new Error(`this thread answers no question ${message.name}`);
        return (api[message.name] as (...args: unknown[]) => unknown)(...message.args);
      })
      .then(
        (value) => port.postMessage({ answer: message.ask, value } satisfies Answer),
        (error: unknown) => port.postMessage({ answer: message.ask, failed: pack(error) } satisfies Answer),
      );
  });
}

/** Asks a thread, named for messages. Names not in its api are refused there. Questions to a thread that has ended reject. @throws api.duty_down */
export function callThread<A extends ThreadApi>(worker: Worker, duty: string): ThreadClient<A> {
  const open = new Map<number, { resolve: (value: unknown) => void; reject: (error: unknown) => void }>();
  let last = 0;
  let ended = false;
  worker.on('message', (message: Answer) => {
    const asked = open.get(message.answer);
    if (!asked) return;
    open.delete(message.answer);
    if (message.failed) asked.reject(unpack(message.failed));
    else asked.resolve(message.value);
  });
  const refusal = (): TocsinError => new TocsinError('api.duty_down', { duty });
  worker.on('exit', () => {
    ended = true;
    for (const { reject } of open.values()) reject(refusal());
    open.clear();
  });
  return new Proxy({} as ThreadClient<A>, {
    get: (_, name) =>
      name === 'then'
        ? undefined
        : (...args: unknown[]) =>
            new Promise((resolve, reject) => {
              // A port without a thread behind it takes questions and never answers.
              if (ended) throw refusal();
              last += 1;
              open.set(last, { resolve, reject });
              worker.postMessage({ ask: last, name: String(name), args } satisfies Question);
            }),
  });
}

function pack(error: unknown): NonNullable<Answer['failed']> {
  if (error instanceof TocsinError) return { text: error.message, code: error.code, details: error.details };
  return { text: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

function unpack(failed: NonNullable<Answer['failed']>): Error {
  if (failed.code === undefined) return new TocsinError('api.internal', { reason: failed.text });
  return new TocsinError(failed.code, failed.details as ErrorDetails<ErrorCode>);
}
