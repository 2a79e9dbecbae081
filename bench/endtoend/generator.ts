/**
 * The load of an end-to-end run, a process of its own: an open loop whose rate is set while it runs. A request's time counts from when it was due.
 * A refused request is not sent again: it is counted. Reads its plan and commands from stdin, tells every second on stdout, and leaves a ledger.
 */
import { writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { createInterface } from 'node:readline';
import { type Answer, HttpSender } from '../http-sender.ts';
import { readLane } from '../lanes.ts';
import { type GeneratorCommand, type GeneratorPlan, type GeneratorSecond, MARK, plantedLine, type RunLedger } from './run-ledger.ts';
import { StampedLane } from './stamped-lane.ts';

/** Requests that wait beyond this are not made up for: an overload shall end when it ends. Milliseconds of offer. */
const MAX_WAITING_MS = 5000;
const LINGER_MS = 10_000;
const ROOM_FOR_PLANTED = 1024;
const OUTCOME = { refused: 0, acknowledged: 1, unknown: 2 } as const;

type Lane = { readonly sender: HttpSender; readonly buffer: Buffer };

class Generator {
  readonly #plan: GeneratorPlan;
  readonly #lane: StampedLane;
  readonly #free: Lane[];
  readonly #due: number[] = [];
  readonly #ledger = { seconds: [] as number[], outcomes: [] as number[], planted: [] as number[] };
  readonly #plantedAt = new Map<number, number>();
  #nextDueMs = 0;
  #offered = 0;
  #lastPlantMs = 0;
  #answered = 0;
  #alerted = 0;
  #second = emptySecond();
  #cpu = process.cpuUsage();

  constructor(plan: GeneratorPlan) {
    this.#plan = plan;
    this.#lane = new StampedLane(readLane(plan.lanePath), plan.batch);
    const { hostname, port } = new URL(plan.url);
    const room = this.#lane.maxBytes + ROOM_FOR_PLANTED;
    this.#free = Array.from({ length: plan.connections }, () => ({
      sender: new HttpSender(hostname, Number(port)),
      buffer: Buffer.allocUnsafeSlow(room),
    }));
  }

  async start(): Promise<void> {
    await this.#followAlerts();
    setInterval(() => this.#tick(), 1);
    setInterval(() => this.#tell(), 1000);
  }

  offer(eventsPerSecond: number): void {
    this.#offered = eventsPerSecond;
    this.#nextDueMs = performance.now();
    this.#due.length = 0;
  }

  /** Waits for what is under way and for the last alerts, and leaves the ledger. */
  async stop(): Promise<void> {
    this.offer(0);
    const { seconds } = this.#ledger;
    await waitFor(() => this.#answered === seconds.length && this.#alerted === this.#plantedAt.size, LINGER_MS);
    const { run, batch, lanePath, ledgerPath } = this.#plan;
    const ledger: RunLedger = { run, batch, lanePath, ...this.#ledger, alerted: this.#alerted };
    writeFileSync(ledgerPath, JSON.stringify(ledger));
  }

  #tick(): void {
    if (this.#offered === 0) return;
    const everyMs = (this.#plan.batch / this.#offered) * 1000;
    const nowMs = performance.now();
    for (; this.#nextDueMs <= nowMs; this.#nextDueMs += everyMs) this.#due.push(this.#nextDueMs);
    while (this.#due.length > 0 && nowMs - (this.#due[0] as number) > MAX_WAITING_MS) {
      this.#due.shift();
      this.#second.refused['not sent'] = (this.#second.refused['not sent'] ?? 0) + 1;
    }
    this.#sendDue();
  }

  #sendDue(): void {
    while (this.#due.length > 0 && this.#free.length > 0) this.#send(this.#free.pop() as Lane, this.#due.shift() as number);
  }

  #send(lane: Lane, dueMs: number): void {
    const { tokens, run, plantedPerSecond, batch } = this.#plan;
    const request = this.#ledger.seconds.length;
    const stamp = { request, second: Math.floor(Date.now() / 1000) };
    this.#ledger.seconds.push(stamp.second);
    this.#ledger.outcomes.push(OUTCOME.unknown);
    let body = this.#lane.write(lane.buffer, stamp);
    if (dueMs - this.#lastPlantMs >= 1000 / plantedPerSecond) {
      this.#lastPlantMs = dueMs;
      this.#ledger.planted.push(request);
      this.#plantedAt.set(request, dueMs);
      const from = this.#lane.ends(request)[batch - 2] as number;
      body = lane.buffer.subarray(0, from + 1 + lane.buffer.write(`${plantedLine(run, stamp)}\n`, from + 1));
    }
    const token = tokens[request % tokens.length] ?? '';
    const asked = { path: '/api/v1/events', contentType: 'application/x-ndjson', token, key: `${run}-${request}`, body };
    this.#second.sent += batch;
    lane.sender.send(asked, (answer) => {
      this.#note(request, answer, performance.now() - dueMs);
      this.#free.push(lane);
      this.#sendDue();
    });
  }

  #note(request: number, { status, text }: Answer, ms: number): void {
    this.#answered++;
    this.#second.answersMs.push(Math.round(ms * 10) / 10);
    if (status !== 202) {
      this.#second.refused[status] = (this.#second.refused[status] ?? 0) + 1;
      if (status !== 0) this.#ledger.outcomes[request] = OUTCOME.refused;
      return;
    }
    const accepted = Number(/"accepted":(\d+)/.exec(text)?.[1] ?? 0);
    this.#second.accepted += accepted;
    if (accepted === this.#plan.batch) this.#ledger.outcomes[request] = OUTCOME.acknowledged;
    else this.#second.refused['in part'] = (this.#second.refused['in part'] ?? 0) + 1;
  }

  #followAlerts(): Promise<void> {
    const { url, tailToken, run } = this.#plan;
    const mark = new RegExp(`${MARK}${run}-(\\d+)`);
    const seen = new Set<number>();
    return new Promise((resolve, reject) => {
      const asking = get(`${url}/api/v1/tail/alerts`, { headers: { authorization: `Bearer ${tailToken}` } }, (response) => {
        resolve();
        createInterface({ input: response }).on('line', (line) => {
          const request = Number(mark.exec(line)?.[1] ?? -1);
          const dueMs = this.#plantedAt.get(request);
          if (dueMs === undefined || seen.has(request)) return;
          seen.add(request);
          this.#alerted++;
          this.#second.alertsMs.push(Math.round((performance.now() - dueMs) * 10) / 10);
        });
      });
      asking.on('error', reject);
    });
  }

  #tell(): void {
    const used = process.cpuUsage(this.#cpu);
    this.#cpu = process.cpuUsage();
    const waitingMs = this.#due.length === 0 ? 0 : Math.round(performance.now() - (this.#due[0] as number));
    const cpu = Math.round((used.user + used.system) / 10_000) / 100;
    const second: GeneratorSecond = { ...this.#second, offered: this.#offered, waitingMs, cpu };
    this.#second = emptySecond();
    process.stdout.write(`${JSON.stringify(second)}\n`);
  }
}

function emptySecond() {
  return { sent: 0, accepted: 0, refused: {} as Record<string, number>, answersMs: [] as number[], alertsMs: [] as number[] };
}

/** Resolves when a condition holds, or after `mostMs` without. */
function waitFor(condition: () => boolean, mostMs: number): Promise<void> {
  const deadline = performance.now() + mostMs;
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      if (!condition() && performance.now() < deadline) return;
      clearInterval(timer);
      resolve();
    }, 5);
  });
}

let generator: Generator | undefined;
for await (const line of createInterface({ input: process.stdin })) {
  const said = JSON.parse(line) as GeneratorPlan | GeneratorCommand;
  if ('url' in said) {
    generator = new Generator(said);
    await generator.start();
  } else if ('stop' in said) {
    await generator?.stop();
    break;
  } else generator?.offer(said.offered);
}
process.exit(0);
