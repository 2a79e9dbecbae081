/**
 * One connection to a NATS server that heals itself: what is up, questions with answers, and who is told when it goes
 * and comes back. Answers come to one inbox; a question still open when the connection goes fails at once, so that
 * nobody waits for an answer that cannot come.
 */
import { randomBytes } from 'node:crypto';
import { connect, errors, type Msg, type MsgHdrs, type NatsConnection, type Status, type Subscription } from '@nats-io/transport-node';
import { messageOf, TocsinError } from '@tocsin/core';
import { type BusLogin, type BusTls, loginOptions, serverOptions } from './bus-login.ts';

import { reconnectPace } from './reconnect-pace.ts';

/** Where and as whom to connect. */
export interface LinkOptions {
  readonly servers: string | readonly string[];
  readonly login: BusLogin;
  readonly tls?: BusTls | undefined;
  readonly inboxPrefix: string;
  /** Shown by the server beside the connection. */
  readonly name: string;
}

/** No answer came: the connection went, or the wait ended. */
export class NoAnswer extends Error {}

/** What a question is made of. */
export interface Question {
  readonly subject: string;
  readonly body?: Uint8Array | string | undefined;
  readonly headers?: MsgHdrs | undefined;
  /** Ends the wait, with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Takes the answers to one question, or why none can come. */
export type AnswerHandler = (error: Error | undefined, answer: Msg | undefined) => void;

/** A healing connection. Whoever opened it disposes it. */
export interface NatsLink extends AsyncDisposable {
  readonly connection: NatsConnection;
  readonly isUp: boolean;
  readonly isClosed: boolean;
  /** A subject of this connection alone. */
  newInbox(): string;
  /** A reply subject; `handler` is called for each answer until `forget`, or once with an error when the connection goes. */
  expectAnswers(subject: string, handler: AnswerHandler): { readonly reply: string; forget(): void };
  /** Calls back after each loss and each return of the connection, until the function it gives back is called. */
  onChange(listener: (isUp: boolean) => void): () => void;
  /** Whether the server has refused a publish to this subject to us. */
  isForbidden(subject: string): boolean;
  /** Resolves when the connection is up. @throws NoAnswer after `deadline` (of performance.now), bus.closed */
  whenUp(deadline: number): Promise<void>;
}

const RECONNECT_WAIT_MS = 100;
const CONNECT_MS = 5_000;
const FLUSH_MS = 1_000;
const PING_MS = 20_000;
/** The same where there are other servers to go to: one that hangs is given up after three times this. */
const PING_CLUSTER_MS = 2_000;
/** Refused subjects remembered; a process with so many has no use for the next one. */
const MAX_FORBIDDEN = 1_000;

/** Connects. @throws bus.unavailable when no server answers */
export async function openLink(options: LinkOptions): Promise<NatsLink> {
  try {
    const connection = await connect({
      ...serverOptions(options.servers, options.tls),
      ...loginOptions(options.login),
      inboxPrefix: options.inboxPrefix,
      name: options.name,
      noAsyncTraces: true,
      maxReconnectAttempts: -1,
      reconnectDelayHandler: reconnectPace({
        waitMs: RECONNECT_WAIT_MS,
        monotonicMs: () => performance.now(),
        random: Math.random,
      }),
      timeout: CONNECT_MS,
      pingInterval: typeof options.servers === 'string' || options.servers.length < 2 ? PING_MS : PING_CLUSTER_MS,
      ignoreAuthErrorAbort: true,
    });
    return new Link(connection, options);
  } catch (cause) {
    const why =
      cause instanceof errors.AuthorizationError || cause instanceof errors.UserAuthenticationExpiredError
        ? 'refuses this login'
        : undefined;
    const reason = `${why === undefined ? 'no NATS server answers' : 'the NATS server'} at ${String(options.servers)}${why === undefined ? `: ${messageOf(cause)}` : ` ${why}`}`;
    throw new TocsinError('bus.unavailable', { reason }, { cause });
  }
}

class Link implements NatsLink {
  readonly connection: NatsConnection;
  isUp = true;
  isClosed = false;
  readonly #options: LinkOptions;
  readonly #listeners = new Set<(isUp: boolean) => void>();
  readonly #open = new Map<string, { readonly subject: string; readonly handler: AnswerHandler }>();
  readonly #forbidden = new Set<string>();
  readonly #inbox: string;
  readonly #answers: Subscription;
  #count = 0;

  constructor(connection: NatsConnection, options: LinkOptions) {
    this.connection = connection;
    this.#options = options;
    this.#inbox = this.newInbox();
    this.#answers = connection.subscribe(`${this.#inbox}.*`, { callback: (_error, message) => this.#take(message) });
    void this.#watch();
  }

  newInbox(): string {
    return `${this.#options.inboxPrefix}.${randomBytes(12).toString('hex')}`;
  }

  expectAnswers(subject: string, handler: AnswerHandler): { reply: string; forget(): void } {
    const token = (++this.#count).toString(36);
    this.#open.set(token, { subject, handler });
    return { reply: `${this.#inbox}.${token}`, forget: () => this.#open.delete(token) };
  }

  isForbidden(subject: string): boolean {
    return this.#forbidden.has(subject);
  }

  onChange(listener: (isUp: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async whenUp(deadline: number): Promise<void> {
    if (this.isClosed) throw closed();
    if (this.isUp) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => settle(new NoAnswer('the connection did not come back')), Math.max(0, deadline - performance.now()));
      const off = this.onChange((isUp) => {
        if (isUp) settle();
        else if (this.isClosed) settle(closed());
      });
      function settle(error?: Error): void {
        clearTimeout(timer);
        off();
        if (error === undefined) resolve();
        else reject(error);
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    if (this.isUp) await this.#flush();
    this.#answers.unsubscribe();
    await this.connection.close();
    this.#change(false);
  }

  /** Lets what is on its way out, unless the server hangs: a lost acknowledgement is a redelivery. */
  async #flush(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, FLUSH_MS);
    });
    await Promise.race([Promise.allSettled([this.connection.flush()]), patience]);
    clearTimeout(timer);
  }

  #take(message: Msg): void {
    const token = message.subject.slice(message.subject.lastIndexOf('.') + 1);
    this.#open.get(token)?.handler(undefined, message);
  }

  async #watch(): Promise<void> {
    for await (const status of this.connection.status()) this.#note(status);
    this.#change(false);
  }

  #note(status: Status): void {
    if (status.type === 'disconnect') this.#change(false);
    else if (status.type === 'reconnect') this.#change(true);
    else if (status.type === 'error' && status.error instanceof errors.PermissionViolationError) this.#refuse(status.error);
  }

  /** The server tells of a refused publish by subject only: every open question to it was refused. */
  #refuse(cause: InstanceType<typeof errors.PermissionViolationError>): void {
    if (cause.operation !== 'publish') return;
    if (this.#forbidden.size < MAX_FORBIDDEN) this.#forbidden.add(cause.subject);
    const error = new TocsinError('bus.forbidden', { subject: cause.subject, name: this.#options.name }, { cause });
    for (const [token, question] of this.#open) {
      if (question.subject !== cause.subject) continue;
      this.#open.delete(token);
      question.handler(error, undefined);
    }
  }

  #change(isUp: boolean): void {
    this.isUp = isUp && !this.isClosed;
    if (!this.isUp) {
      const lost = [...this.#open.values()];
      this.#open.clear();
      for (const question of lost) question.handler(this.isClosed ? closed() : new NoAnswer('the connection went'), undefined);
    }
    for (const listener of this.#listeners) listener(this.isUp);
  }
}

/** A timer that comes later than this was held up by its own thread, milliseconds. */
const BUSY_MS = 100;

/** One question, one answer. @throws NoAnswer after `deadline` (of performance.now) or when the connection goes, bus.forbidden, bus.closed */
export async function ask(link: NatsLink, question: Question, deadline: number): Promise<Msg> {
  const { signal } = question;
  signal?.throwIfAborted();
  return await new Promise<Msg>((resolve, reject) => {
    const abort = (): void => settle(signal?.reason as Error, undefined);
    signal?.addEventListener('abort', abort, { once: true });
    let timer = setTimeout(giveUp, Math.max(1, deadline - performance.now()));
    const { reply, forget } = link.expectAnswers(question.subject, settle);
    try {
      link.connection.publish(
        question.subject,
        question.body,
        question.headers === undefined ? { reply } : { reply, headers: question.headers },
      );
    } catch (error) {
      settle(error as Error, undefined);
    }
    function giveUp(): void {
      const lateMs = performance.now() - deadline;
      // A thread that was kept busy has neither sent nor read meanwhile: what it could not use is not counted.
      if (lateMs > BUSY_MS) timer = setTimeout(settle, lateMs, new NoAnswer('no answer in time'), undefined);
      else settle(new NoAnswer('no answer in time'), undefined);
    }
    function settle(error: Error | undefined, answer: Msg | undefined): void {
      clearTimeout(timer);
      forget();
      signal?.removeEventListener('abort', abort);
      if (answer === undefined) reject(error ?? new NoAnswer('no answer'));
      else resolve(answer);
    }
  });
}

function closed(): TocsinError {
  return new TocsinError('bus.closed', { what: 'Something' });
}
