/**
 * Which rule set is in force for all members: one record in the control bucket, written by the member that leads, read by all. Its order
 * number grows with every set, so that a partition never goes back to an older one; sets that may still be needed are listed with it.
 */
import type { StateBucket } from '@tocsin/bus';
import { isTocsinError, type Position } from '@tocsin/core';

/** A rule set by hash, and where it stands among all that were in force. */
export interface OrderedRuleSet {
  readonly hash: string;
  readonly order: number;
}

/** The record. */
export interface RulesRecord extends OrderedRuleSet {
  /** Position of CHANGES that it covers; null while CHANGES was empty. */
  readonly changes: Position | null;
  /** Sets that were in force before and are still kept, oldest first. */
  readonly kept: readonly OrderedRuleSet[];
}

const KEY = 'rules';

/** The record of the rule set in force. */
export class RuleControl {
  readonly #bucket: StateBucket;
  /** Whether this member is the one that puts rules in force. */
  readonly isLeader: () => boolean;

  constructor(bucket: StateBucket, isLeader: () => boolean) {
    this.#bucket = bucket;
    this.isLeader = isLeader;
  }

  /** The record as it stands; undefined before the first. */
  async read(): Promise<RulesRecord | undefined> {
    return (await this.#entry())?.record;
  }

  /** Puts a set that is kept in force for everybody, covering CHANGES up to a position. */
  async announce(hash: string, changes: Position | undefined): Promise<RulesRecord> {
    return await this.#change((seen) => {
      const covered = changes ?? seen?.changes ?? null;
      if (seen === undefined) return { hash, order: 1, changes: covered, kept: [] };
      if (seen.hash === hash) return { ...seen, changes: covered };
      return { hash, order: seen.order + 1, changes: covered, kept: [...seen.kept, { hash: seen.hash, order: seen.order }] };
    });
  }

  /** Takes sets below an order off the list of those kept. */
  async forgetBelow(order: number): Promise<RulesRecord> {
    return await this.#change((seen) => {
      const record = seen ?? { hash: '', order: 0, changes: null, kept: [] };
      return { ...record, kept: record.kept.filter((one) => one.order >= order) };
    });
  }

  /** The record now and after each change. An abort rejects with the signal's reason. */
  async *watch(signal: AbortSignal): AsyncGenerator<RulesRecord, void, undefined> {
    for await (const { key, value, deleted } of this.#bucket.watch({ signal })) if (key === KEY && !deleted) yield parse(value);
  }

  async #entry(): Promise<{ record: RulesRecord; revision: number } | undefined> {
    const entry = await this.#bucket.get(KEY);
    return entry && { record: parse(entry.value), revision: entry.revision };
  }

  /** Somebody who wrote meanwhile is read again. */
  async #change(make: (seen: RulesRecord | undefined) => RulesRecord): Promise<RulesRecord> {
    for (;;) {
      const seen = await this.#entry();
      const record = make(seen?.record);
      const json = JSON.stringify(record);
      if (seen && JSON.stringify(seen.record) === json) return record;
      try {
        await this.#bucket.put(KEY, Buffer.from(json), seen?.revision ?? 0);
        return record;
      } catch (error) {
        if (!isTocsinError(error, 'bus.fenced')) throw error;
      }
    }
  }
}

function parse(value: Uint8Array): RulesRecord {
  return JSON.parse(Buffer.from(value).toString()) as RulesRecord;
}
