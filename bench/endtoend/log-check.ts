/**
 * Whether the log holds what an end-to-end run was acknowledged: every event once, with the bytes that were sent, by number and by hash. Reads over a
 * raw NATS connection with the decoder of the fault tests, which shares no code with the packages.
 */
import { hash } from 'node:crypto';
import type { NatsConnection } from '@nats-io/transport-node';
import { embeddedAccess } from '../../tests/faults/bus-access.ts';
import { decodeFrame } from '../../tests/faults/frame-decoder.ts';
import { readStream } from '../../tests/faults/independent-reader.ts';
import { readLane } from '../lanes.ts';
import { ordinalOf } from './own-ids.ts';
import { MARK, plantedLine, type RunLedger } from './run-ledger.ts';
import { StampedLane } from './stamped-lane.ts';
import { type StreamSize, streamSizes } from './stream-sizes.ts';

/** What was found. All but the counts of what is there must be 0, and the two hashes equal. */
export type LogCheck = {
  /** Events whose request was acknowledged, and events found in the log (first copies). */
  readonly acknowledged: number;
  readonly found: number;
  readonly frames: number;
  readonly frameBytes: number;
  /** Acknowledged and not there. */
  readonly lost: number;
  /** There more than once; the dedup fold leaves the later ones out. */
  readonly copies: number;
  /** There with other bytes than were sent, or never sent. */
  readonly wrong: number;
  /** Sum of the SHA-256 of every acknowledged event's bytes as sent, and of the same events as read; modulo 2^48. */
  readonly hashSent: string;
  readonly hashRead: string;
  /** Acknowledged planted events, those with an alert in the log, and those with more than one alert id. */
  readonly planted: number;
  readonly alerted: number;
  readonly alertedTwice: number;
  readonly examples: readonly string[];
  readonly streams: readonly StreamSize[];
};

const MODULUS = 2 ** 48;
const MAX_EXAMPLES = 5;

/** Reads the log of a running, settled installation. */
export async function checkLog(dataDir: string, ledger: RunLedger, progress: (events: number) => void): Promise<LogCheck> {
  const connection = await embeddedAccess(dataDir).connect('api');
  try {
    const tally = new Tally(ledger);
    for await (const { data } of readStream(connection, 'EVENTS_LIVE')) {
      tally.take(data);
      progress(tally.found);
    }
    return { ...tally.result(), ...(await checkAlerts(connection, ledger)), streams: await streamSizes(connection) };
  } finally {
    await connection.close();
  }
}

class Tally {
  readonly #ledger: RunLedger;
  readonly #lane: StampedLane;
  readonly #planted: ReadonlySet<number>;
  readonly #seen: Uint8Array;
  readonly #buffer: Buffer;
  readonly #keyed: RegExp;
  readonly #examples: string[] = [];
  #request = -1;
  #body: Buffer = Buffer.alloc(0);
  #frames = 0;
  #frameBytes = 0;
  #copies = 0;
  #wrong = 0;
  #hashRead = 0;
  found = 0;

  constructor(ledger: RunLedger) {
    this.#ledger = ledger;
    this.#lane = new StampedLane(readLane(ledger.lanePath), ledger.batch);
    this.#planted = new Set(ledger.planted);
    this.#seen = new Uint8Array(ledger.seconds.length * ledger.batch);
    this.#buffer = Buffer.alloc(this.#lane.maxBytes);
    this.#keyed = new RegExp(`^${ledger.run}-(\\d+)-(\\d+)$`);
  }

  take(frame: Buffer): void {
    this.#frames++;
    this.#frameBytes += frame.length;
    for (const { id, record } of decodeFrame(frame).events) {
      const ordinal = ordinalOf(id) ?? this.#keyedOrdinal(id);
      const sent = ordinal === undefined ? undefined : this.#sent(ordinal);
      if (ordinal === undefined || sent === undefined || !sent.equals(record)) {
        this.#wrong++;
        this.#examples.push(`wrong: ${id}: ${Buffer.from(record).toString('utf8', 0, 160)}`);
      } else if (this.#seen[ordinal] === 1) this.#copies++;
      else {
        this.#seen[ordinal] = 1;
        this.found++;
        if (this.#isAcknowledged(ordinal)) this.#hashRead = (this.#hashRead + hashOf(record)) % MODULUS;
      }
    }
  }

  result(): Omit<LogCheck, 'planted' | 'alerted' | 'alertedTwice' | 'streams'> {
    let [acknowledged, lost, hashSent] = [0, 0, 0];
    for (let ordinal = 0; ordinal < this.#seen.length; ordinal++) {
      if (!this.#isAcknowledged(ordinal)) continue;
      acknowledged++;
      hashSent = (hashSent + hashOf(this.#sent(ordinal) as Buffer)) % MODULUS;
      if (this.#seen[ordinal] === 1) continue;
      lost++;
      this.#examples.push(`lost: event ${ordinal % this.#ledger.batch} of request ${Math.floor(ordinal / this.#ledger.batch)}`);
    }
    const hashes = { hashSent: hashSent.toString(16), hashRead: this.#hashRead.toString(16) };
    const counts = { acknowledged, found: this.found, lost, copies: this.#copies, wrong: this.#wrong };
    return { ...counts, frames: this.#frames, frameBytes: this.#frameBytes, ...hashes, examples: this.#examples.slice(0, MAX_EXAMPLES) };
  }

  #isAcknowledged(ordinal: number): boolean {
    return this.#ledger.outcomes[Math.floor(ordinal / this.#ledger.batch)] === 1;
  }

  #keyedOrdinal(id: string): number | undefined {
    const parts = this.#keyed.exec(id);
    return parts === null ? undefined : Number(parts[1]) * this.#ledger.batch + Number(parts[2]);
  }

  /** The bytes of an event as sent; undefined where there was no such event. */
  #sent(ordinal: number): Buffer | undefined {
    const { batch, run, seconds } = this.#ledger;
    const request = Math.floor(ordinal / batch);
    const index = ordinal % batch;
    const second = seconds[request];
    if (second === undefined) return undefined;
    if (index === batch - 1 && this.#planted.has(request)) return Buffer.from(plantedLine(run, { request, second }));
    if (this.#request !== request) {
      this.#request = request;
      this.#body = this.#lane.write(this.#buffer, { request, second });
    }
    const ends = this.#lane.ends(request);
    return this.#body.subarray(index === 0 ? 0 : (ends[index - 1] as number) + 1, ends[index]);
  }
}

/** First six bytes of its SHA-256 as a number. */
function hashOf(bytes: Uint8Array): number {
  return Number.parseInt(hash('sha256', bytes, 'hex').slice(0, 12), 16);
}

async function checkAlerts(
  connection: NatsConnection,
  { run, planted, outcomes }: RunLedger,
): Promise<Pick<LogCheck, 'planted' | 'alerted' | 'alertedTwice'>> {
  const mark = new RegExp(`${MARK}${run}-(\\d+)`);
  const ids = new Map<number, Set<string>>();
  for await (const { data } of readStream(connection, 'ALERTS')) {
    const text = data.toString('utf8');
    const request = Number(mark.exec(text)?.[1] ?? -1);
    if (request >= 0) ids.set(request, (ids.get(request) ?? new Set()).add((JSON.parse(text) as { id: string }).id));
  }
  const acknowledged = planted.filter((request) => outcomes[request] === 1);
  return {
    planted: acknowledged.length,
    alerted: acknowledged.filter((request) => ids.has(request)).length,
    alertedTwice: [...ids.values()].filter(({ size }) => size > 1).length,
  };
}
