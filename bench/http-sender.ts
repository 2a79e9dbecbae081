/**
 * One keep-alive connection that sends ready-made requests and reads just enough of each answer: the generator must cost little
 * beside what it measures. Good for the one server that the bench itself has started.
 */
import { connect, type Socket } from 'node:net';

/** A request to send; `path` and `contentType` are its protocol's. */
export interface Request {
  readonly path: string;
  readonly contentType: string;
  readonly token: string;
  /** Idempotency key. */
  readonly key: string;
  readonly body: Uint8Array;
}

/** A connection; one request at a time. */
export interface Sender {
  /** Sends a request and calls back with its answer. */
  send(request: Request, done: (answer: Answer) => void): void;
  close(): void;
}

/** What is read of an answer. */
export interface Answer {
  /** 0 where the connection broke. */
  readonly status: number;
  /** Beginning of its body. */
  readonly text: string;
}

/** Text kept of an answer. */
const KEPT_BYTES = 2048;

/** A connection of HTTP/1.1. */
export class HttpSender implements Sender {
  readonly #socket: Socket;
  #waiting: ((answer: Answer) => void) | undefined;
  #head = '';
  #status = 0;
  #text = '';
  #left = -1;

  constructor(host: string, port: number) {
    this.#socket = connect({ host, port, noDelay: true });
    this.#socket.on('data', (chunk) => this.#take(chunk));
    this.#socket.on('error', () => this.#settle({ status: 0, text: '' }));
    this.#socket.on('close', () => this.#settle({ status: 0, text: '' }));
  }

  send({ path, contentType, token, key, body }: Request, done: (answer: Answer) => void): void {
    const head = `POST ${path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer ${token}\r\nContent-Type: ${contentType}\r\nIdempotency-Key: ${key}\r\nContent-Length: ${body.length}\r\n\r\n`;
    this.#waiting = done;
    this.#socket.cork();
    this.#socket.write(head, 'latin1');
    this.#socket.write(body);
    this.#socket.uncork();
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    const rest = this.#left === -1 ? this.#takeHead(chunk) : chunk;
    if (rest === undefined) return;
    if (this.#text.length < KEPT_BYTES) this.#text += rest.toString('latin1', 0, KEPT_BYTES);
    this.#left -= rest.length;
    if (this.#left > 0) return;
    this.#left = -1;
    this.#settle({ status: this.#status, text: this.#text });
  }

  /** What of the chunk belongs to the body; undefined while the head is incomplete. */
  #takeHead(chunk: Buffer): Buffer | undefined {
    const before = this.#head.length;
    this.#head += chunk.toString('latin1');
    const end = this.#head.indexOf('\r\n\r\n');
    if (end === -1) return undefined;
    this.#status = Number(this.#head.slice(9, 12));
    this.#left = Number(/content-length: (\d+)/i.exec(this.#head)?.[1] ?? 0);
    this.#text = '';
    this.#head = '';
    return chunk.subarray(end + 4 - before);
  }

  #settle(answer: Answer): void {
    const done = this.#waiting;
    this.#waiting = undefined;
    done?.(answer);
  }
}
