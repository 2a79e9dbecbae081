/** The intake of the contract: holds, fails and remembers as a case wants. It stands for the seam `emit`; broker tests use the real one. */
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock, TocsinError } from '@tocsin/core';
import type { EmitOptions } from '../../intake.ts';
import type { RawRecord, RecordResult, Source } from '../../source.ts';
import type { ListenerContext } from '../listener.ts';
import { ListenerCounts } from '../listener-counts.ts';
import { CONTRACT_SOURCE, CONTRACT_TOKEN } from './listener-driver.ts';

/** Records whose text has this in it are rejected. */
export const REJECTED = 'REJECT-ME';

const SOURCE: Source = { tenant: 'first', name: CONTRACT_SOURCE, format: 'syslog', lane: 'live', shard: '' };

/** What a listener under the contract emits into. */
export class ContractIntake {
  /** Texts stored, in order; a record given again under the same id is there once. */
  readonly stored: string[] = [];
  readonly counts = new ListenerCounts();
  readonly troubles: string[] = [];
  /** Bytes given and not yet answered. */
  heldBytes = 0;
  /** Calls of `emit` so far. */
  emits = 0;
  readonly #ids = new Set<string>();
  #gate: PromiseWithResolvers<void> | undefined;
  #failures = 0;
  #made = 0;

  /** Answers nothing until `release`. */
  block(): void {
    this.#gate = Promise.withResolvers();
  }

  /** Lets everything that waits be stored. */
  release(): void {
    this.#gate?.resolve();
    this.#gate = undefined;
  }

  /** Lets the next answers be lost: what they were about is stored, the listener is told `bus.unknown`. */
  loseAnswers(count: number): void {
    this.#failures = count;
  }

  /** A context that emits here, with a folder of its own. */
  context(stateDir: string): ListenerContext {
    return {
      name: 'contract/one',
      emit: (source, records, options) => this.#emit(source, records, options),
      authenticate: async (token) => {
        if (token === undefined) throw new TocsinError('auth.missing', {});
        if (token !== CONTRACT_TOKEN) throw new TocsinError('auth.refused', { reason: 'no such token' });
        return SOURCE;
      },
      precheck: () => undefined,
      boundSource: (name) => {
        if (name !== CONTRACT_SOURCE && name !== `first/${CONTRACT_SOURCE}`)
          throw new TocsinError('listener.source_unknown', { listener: 'contract/one', source: name, tenant: 'first' });
        return SOURCE;
      },
      clock: systemClock,
      nextId: () => `id${String(this.#made++).padStart(8, '0')}`,
      onTrouble: (error, what) => void this.troubles.push(`${what}: ${String(error)}`),
      stateDir,
      counts: this.counts,
    };
  }

  async #emit(_source: Source, records: readonly RawRecord[], options: EmitOptions = {}): Promise<RecordResult[]> {
    this.emits += 1;
    const bytes = records.reduce((sum, record) => sum + record.bytes.length, 0);
    // Copied when answered, not when given: bytes must not change until then.
    this.heldBytes += bytes;
    await this.#gate?.promise;
    this.heldBytes -= bytes;
    const results = records.map((record, index) => this.#take(record, index, options));
    if (this.#failures === 0) return results;
    this.#failures -= 1;
    throw new TocsinError('bus.unknown', { subject: 'events', waitedMs: 1 });
  }

  #take(record: RawRecord, index: number, { idempotencyKey }: EmitOptions): RecordResult {
    const text = Buffer.from(record.bytes).toString();
    if (record.refused) return { status: 'rejected', ...record.refused };
    if (text.includes(REJECTED)) return { status: 'rejected', code: 'decode.bad_line', reason: 'it says so' };
    const keyed = idempotencyKey === undefined ? undefined : `${idempotencyKey}-${index}`;
    const id = record.envelope?.id ?? record.envelope?.fallbackId ?? keyed ?? `made-${this.#made++}`;
    const isKnown = this.#ids.has(id);
    this.#ids.add(id);
    if (!isKnown) this.stored.push(text);
    return { status: isKnown ? 'duplicate' : 'stored', id, at: { position: 'p' as never, index } };
  }
}

/** Resolves when a condition holds. @throws Error naming `what` after 15 seconds */
export async function eventually(condition: () => boolean, what: () => string): Promise<void> {
  const deadline = performance.now() + 15_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`it never came to this: ${what()}`);
    await delay(5);
  }
}
