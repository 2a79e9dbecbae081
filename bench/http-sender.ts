/**
 * One keep-alive connection that sends ready-made requests and reads just enough of each answer: the generator must cost little
 * beside what it measures. Good for the one server that the bench itself has started.
 */
import { connect, type Socket } from 'node:net';

/** What is read of an answer. */
export interface Answer {
  /** 0 where the connection broke. */
  readonly status: number;
  /** Beginning of its body. */
  readonly text: string;
}

/** Text kept of an answer. */
const KEPT_BYTES = 2048;

/** A connection; one request at a time. */
export class HttpSender {
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

  /** Sends a request and calls back with its answer. */
  send(head: string, body: Uint8Array, done: (answer: Answer) => void): void {
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
