/** The envelopes of Splunk's collector, one behind the other: where each ends and where its members stand. None is parsed here. */
import { memberRange, readJsonObject } from '@tocsin/core';
import { ObjectScan } from '../../decoders/object-scan.ts';

/** Members that are read; agents send others too. */
export const HEC_MEMBERS = ['time', 'event', 'fields', 'host', 'source', 'sourcetype', 'index'] as const;

/** Places of members among `HEC_MEMBERS`; those that are facts of the event as they stand come last. */
export const TIME = 0;
export const EVENT = 1;
export const FIELDS = 2;
export const FIRST_FACT = 3;

/** Members that an envelope may have besides those read here; agents send many. */
const MAX_MEMBERS = 200;
const LIMITS = { maxDepth: Number.POSITIVE_INFINITY, maxPieces: MAX_MEMBERS };

let scan: ObjectScan | undefined;

/** The envelopes of one body. */
export class HecEnvelopes {
  readonly body: Uint8Array;
  readonly #scan: ObjectScan;
  /** Start and end of each member's value; -1 where the envelope has none. */
  readonly #ranges: number[] = HEC_MEMBERS.flatMap(() => [-1, -1]);
  /** One past the envelope read last. */
  end = 0;

  /** Of a body that does not change, and one body after the other. */
  constructor(body: Uint8Array) {
    this.body = body;
    this.#scan = scan ??= new ObjectScan(HEC_MEMBERS);
    this.#scan.open(body);
  }

  /** Reads the envelope at `from`; false where there is none that could be cut. */
  read(from: number): boolean {
    // One with no more members in all than may stand on its first level; else they are counted one by one.
    if (this.#scan.read(from, { maxKeys: MAX_MEMBERS })) {
      for (let member = 0; member < HEC_MEMBERS.length; member++) this.#place(member, this.#scan.startOf(member), this.#scan.endOf(member));
      this.end = this.#scan.end;
      return true;
    }
    return this.#walk(from);
  }

  /** Lets go of the body. */
  close(): void {
    this.#scan.close();
  }

  /** Where the value of a member begins; -1 where the envelope has none. */
  startOf(member: number): number {
    return this.#ranges[member * 2] as number;
  }

  /** Where it ends. */
  endOf(member: number): number {
    return this.#ranges[member * 2 + 1] as number;
  }

  #walk(from: number): boolean {
    const split = readJsonObject(this.body, from, LIMITS);
    if (split.failure !== undefined) return false;
    HEC_MEMBERS.forEach((name, member) => {
      const [start, end] = memberRange(this.body, split.ranges, name) ?? NOWHERE;
      this.#place(member, start, end);
    });
    this.end = split.end;
    return true;
  }

  #place(member: number, start: number, end: number): void {
    this.#ranges[member * 2] = start;
    this.#ranges[member * 2 + 1] = end;
  }
}

const NOWHERE = [-1, -1] as const;
