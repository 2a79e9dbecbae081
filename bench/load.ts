/**
 * The load generator, a process of its own: reads a `LoadPlan` from stdin, sends ready-made bodies over real sockets, writes a
 * `LoadResult` to stdout. In an open loop a request's time counts from when it was due, whether or not a connection was free.
 */
import { get, type IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { quantile } from './figure.ts';
import { openGrpcSender } from './grpc-sender.ts';
import { type Answer, HttpSender, type Sender } from './http-sender.ts';
import { atTime, readLane } from './lanes.ts';
import { type LoadPlan, type LoadResult, PLANT, plantedEvent } from './load-plan.ts';
import { type WireForm, wireForms } from './wire-forms.ts';

/** Requests waiting for a connection beyond which an open loop is given up as lost: seconds of offer. */
const GIVE_UP_AFTER_S = 3;
/** How long answers and alerts are waited for after the last request, milliseconds. */
const LINGER_MS = 8000;

class Load {
  readonly #plan: LoadPlan;
  readonly #bodies: readonly Buffer[];
  readonly #wire: WireForm;
  readonly #free: Sender[];
  readonly #senders: readonly Sender[];
  readonly #due: number[] = [];
  readonly #answerMs: number[] = [];
  readonly #refused: Record<string, number> = {};
  readonly #counts = { accepted: 0, duplicates: 0, rejected: 0 };
  readonly #plantedAt = new Map<number, number>();
  readonly #alertMs: number[] = [];
  #sentRequests = 0;
  #answered = 0;
  #isOver = false;

  constructor(plan: LoadPlan) {
    this.#plan = plan;
    this.#wire = wireForms[plan.protocol ?? 'events'];
    const lines = atTime(readLane(plan.lanePath), new Date());
    const bodies: Buffer[] = [];
    for (let at = 0; at + plan.batch <= lines.length; at += plan.batch) bodies.push(this.#wire.body(lines.slice(at, at + plan.batch)));
    this.#bodies = bodies;
    const { hostname, port } = new URL(plan.url);
    const isGrpc = plan.protocol === 'otlp-grpc';
    this.#senders = Array.from({ length: plan.connections }, () =>
      isGrpc ? openGrpcSender(hostname, Number(port)) : new HttpSender(hostname, Number(port)),
    );
    this.#free = [...this.#senders];
  }

  async run(): Promise<LoadResult> {
    const tail = await this.#followAlerts();
    const cpu = process.cpuUsage();
    const begunMs = performance.now();
    if (this.#plan.offered === undefined) await this.#closedLoop(begunMs);
    else await this.#openLoop(begunMs, this.#plan.offered);
    this.#isOver = true;
    await waitFor(() => this.#answered === this.#sentRequests, LINGER_MS);
    const seconds = (performance.now() - begunMs) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    await waitFor(() => this.#alertMs.length === this.#plantedAt.size, LINGER_MS);
    tail?.destroy();
    for (const sender of this.#senders) sender.close();
    return {
      seconds,
      sentEvents: this.#sentRequests * this.#plan.batch,
      ...this.#counts,
      refused: this.#refused,
      unsent: this.#due.length,
      answerP50Ms: quantile(this.#answerMs, 0.5),
      answerP99Ms: quantile(this.#answerMs, 0.99),
      cpuSeconds: (user + system) / 1e6,
      planted: this.#plantedAt.size,
      alerted: this.#alertMs.length,
      alertP50Ms: quantile(this.#alertMs, 0.5),
      alertP99Ms: quantile(this.#alertMs, 0.99),
      alertMaxMs: quantile(this.#alertMs, 1),
    };
  }

  async #closedLoop(begunMs: number): Promise<void> {
    const endMs = begunMs + this.#plan.seconds * 1000;
    const again = (sender: Sender): void => {
      if (performance.now() < endMs) this.#send(sender, performance.now(), () => again(sender));
    };
    for (const sender of this.#senders) again(sender);
    await waitFor(() => performance.now() >= endMs, this.#plan.seconds * 1000 + 1000);
  }

  async #openLoop(begunMs: number, offered: number): Promise<void> {
    const everyMs = (this.#plan.batch / offered) * 1000;
    const total = Math.floor((this.#plan.seconds * 1000) / everyMs);
    let scheduled = 0;
    await new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        const nowMs = performance.now();
        for (; scheduled < total && begunMs + scheduled * everyMs <= nowMs; scheduled++) this.#due.push(begunMs + scheduled * everyMs);
        this.#sendDue();
        const isLost = this.#due.length * everyMs > GIVE_UP_AFTER_S * 1000;
        if (!isLost && (scheduled < total || this.#due.length > 0)) return;
        clearInterval(timer);
        resolve();
      }, 1);
    });
  }

  #sendDue(): void {
    while (this.#due.length > 0 && this.#free.length > 0 && !this.#isOver) {
      const sender = this.#free.pop() as Sender;
      this.#send(sender, this.#due.shift() as number, () => {
        this.#free.push(sender);
        this.#sendDue();
      });
    }
  }

  #send(sender: Sender, dueMs: number, then: () => void): void {
    const number = this.#sentRequests++;
    const { tokens, run, plant } = this.#plan;
    const ready = this.#bodies[number % this.#bodies.length] as Buffer;
    const body = plant !== undefined && number % plant.everyRequests === 0 ? this.#planted(ready, number, dueMs) : ready;
    const { path, contentType } = this.#wire;
    // Moved on by one each round, so that no source is sent one body twice: what has ids of its own would be left out.
    const token = tokens[(number + Math.floor(number / tokens.length)) % tokens.length] as string;
    sender.send({ path, contentType, token, key: `${run}-${number}`, body }, (answer) => {
      this.#answered++;
      this.#note(answer, performance.now() - dueMs);
      then();
    });
  }

  #note({ status, text: body }: Answer, ms: number): void {
    this.#answerMs.push(ms);
    if (status !== this.#wire.taken) {
      this.#refused[status] = (this.#refused[status] ?? 0) + 1;
      return;
    }
    if (this.#wire.isWhole !== undefined) {
      this.#counts[this.#wire.isWhole(body) ? 'accepted' : 'rejected'] += this.#plan.batch;
      return;
    }
    for (const name of ['accepted', 'duplicates', 'rejected'] as const)
      this.#counts[name] += Number(new RegExp(`"${name}":(\\d+)`).exec(body)?.[1] ?? 0);
  }

  /** The body with a planted event in place of its last. */
  #planted(body: Buffer, number: number, dueMs: number): Buffer {
    this.#plantedAt.set(number, dueMs);
    const keep = this.#plan.batch === 1 ? body.subarray(0, 0) : body.subarray(0, body.lastIndexOf(10) + 1);
    return Buffer.concat([keep, Buffer.from(plantedEvent(this.#plan.run, number))]);
  }

  async #followAlerts(): Promise<IncomingMessage | undefined> {
    const { plant, url, run } = this.#plan;
    if (plant === undefined) return undefined;
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      get(`${url}/api/v1/tail/alerts`, { headers: { authorization: `Bearer ${plant.tailToken}` } }, resolve).on('error', reject);
    });
    const mark = new RegExp(`${PLANT}${run}-(\\d+)`);
    const seen = new Set<number>();
    createInterface({ input: response }).on('line', (line) => {
      const nowMs = performance.now();
      const number = Number(mark.exec(line)?.[1] ?? -1);
      const sentMs = this.#plantedAt.get(number);
      if (sentMs === undefined || seen.has(number)) return;
      seen.add(number);
      this.#alertMs.push(nowMs - sentMs);
    });
    return response;
  }
}

/** Resolves when a condition holds, or after `mostMs` without. */
function waitFor(condition: () => boolean, mostMs: number): Promise<void> {
  const deadline = performance.now() + mostMs;
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      if (!condition() && performance.now() < deadline) return;
      clearInterval(timer);
      resolve();
    }, 2);
  });
}

process.stdout.write(JSON.stringify(await new Load(JSON.parse(await text(process.stdin)) as LoadPlan).run()));
