/** Wills of devices that went without a word: stored as events like any message, given again until they are, and delivered like any message. */
import { isTocsinError } from '@tocsin/core';
import type { Source } from '../../source.ts';
import type { ByteGauge } from '../byte-gauge.ts';
import type { ListenerContext } from '../listener.ts';
import { RecordPump } from '../record-pump.ts';
import type { Will } from './connect-terms.ts';
import type { Device, Identify } from './device-identity.ts';
import type { MqttSessions } from './mqtt-sessions.ts';

/** What it is made of. */
export interface WillKeeperOptions {
  readonly context: ListenerContext;
  readonly gauge: ByteGauge;
  readonly sessions: MqttSessions;
}

/** Wills on their way at once: whoever makes many connections and drops them gets no more stored. */
const MAX_WILLS = 10_000;

/** Stores wills. Disposing waits, at most 7 seconds, for those on their way. */
export class WillKeeper implements AsyncDisposable {
  readonly #options: WillKeeperOptions;
  readonly #pumps = new Set<RecordPump>();
  readonly #underWay = new Set<Promise<void>>();
  #isClosing = false;

  constructor(options: WillKeeperOptions) {
    this.#options = options;
  }

  /** Stores a will of a device, if it still may be here; `from` is its session. */
  store(identify: Identify, will: Will, from: string): void {
    const { context } = this.#options;
    context.counts.records += 1;
    if (this.#underWay.size >= MAX_WILLS) {
      context.counts.refuse('ingest.overloaded');
      return;
    }
    const work = this.#identifyAndPush(identify, will, from).finally(() => this.#underWay.delete(work));
    this.#underWay.add(work);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true;
    await Promise.all([...this.#pumps].map((pump) => pump[Symbol.asyncDispose]()));
    await Promise.all(this.#underWay);
  }

  /** Never rejects. */
  async #identifyAndPush(identify: Identify, will: Will, from: string): Promise<void> {
    const { context } = this.#options;
    try {
      const device = await identify();
      // The pump counts it anew.
      context.counts.records -= 1;
      await this.#push(device, will, from);
    } catch (error) {
      context.counts.refuse(isTocsinError(error) ? error.code : 'ingest.internal');
      context.onTrouble(error, `${context.name}: a will was not stored`);
    }
  }

  async #push(device: Device, will: Will, from: string): Promise<void> {
    const { context, gauge, sessions } = this.#options;
    const source = (): Source => device.source;
    await using pump = new RecordPump({ context, gauge, source, maxBytes: Number.POSITIVE_INFINITY });
    this.#pumps.add(pump);
    pump.push({ bytes: will.payload, envelope: { subject: will.topic } });
    pump.whenSettled(() => {
      const { topic, payload, qos, isRetained } = will;
      const nowMs = context.clock.nowMs();
      sessions.topicsOf(device).publish({ topic, payload, qos, isRetained, expiresMs: undefined, from }, nowMs);
    });
    if (this.#isClosing) await pump[Symbol.asyncDispose]();
    await pump.idle();
    this.#pumps.delete(pump);
  }
}
