/**
 * The fourth interface of the seam: one asks, one of those who are there answers. Nothing is stored, and nothing is asked twice: whoever
 * gets no answer does not know whether what was asked has been done, so questions are either harmless to repeat or carry an id of their own.
 */
import type { Subject, SubjectFilter } from './event-bus.ts';

/** What is asked. Its size is bounded like a message's. `body` belongs to the bus until the answer is there. */
export interface Question {
  /** Without wildcards, and of no stream. */
  readonly subject: Subject;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body: Uint8Array;
}

/** How long and how patiently to ask. */
export interface AskOptions {
  /** 1 to 120,000 milliseconds, from the call to the answer. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** What came back. Bytes are views: copy to keep. */
export interface Answer {
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body: Uint8Array;
}

/** An answer with nothing left out. */
export type WholeAnswer = Answer & { readonly headers: Readonly<Record<string, string>> };

/** A question as its answerer sees it. Bytes are views: copy to keep. */
export interface AskedQuestion extends Question {
  readonly headers: Readonly<Record<string, string>>;
  /** Aborted when nobody waits for the answer any more: the asker's time is over, or the answerer's bus is closed. */
  readonly signal: AbortSignal;
}

/** Whoever answers. What it rejects with is told to the asker: code and message, nothing else. */
export type AnswerHandler = (question: AskedQuestion) => Promise<Answer> | Answer;

/** How much one answerer takes at once. */
export interface AnswerOptions {
  /** Questions under way; a further one is refused to its asker as `bus.busy`. 64 by default. */
  readonly maxUnderWay?: number | undefined;
}

/** Questions and answers between those who are connected now. */
export interface RequestReply {
  /**
   * One answer to one question, from one of its answerers. Never the answer to another question, however late that comes. Ends at once
   * where nobody is there to answer or the connection goes. An abort rejects with the signal's reason; it takes back nothing.
   * @throws bus.nobody_answers, bus.unavailable, bus.busy (nothing was done); bus.unanswered (not in time, or the connection went: it may
   *   have been done); bus.answer_failed (the answerer's code and message); bus.too_large, bus.bad_subject (a wildcard, or a stream's
   *   subject), bus.bad_request, bus.forbidden, bus.closed
   */
  ask(question: Question, options: AskOptions): Promise<WholeAnswer>;
  /**
   * Answers what is asked on the subjects of a filter, also after a reconnect. All who answer a subject, by whatever filter, share its
   * questions: each goes to one of them. Registered when it resolves; on a cluster, those connected to other servers may for a moment still
   * be told that nobody answers. Disposing takes no further questions and waits until those under way are answered or their time is over;
   * closing the bus answers them as failed with `bus.closed`.
   * @throws bus.bad_subject (also for subjects of a stream), bus.bad_request, bus.unavailable, bus.forbidden, bus.closed
   */
  answer(filter: SubjectFilter, handle: AnswerHandler, options?: AnswerOptions): Promise<AsyncDisposable>;
}
