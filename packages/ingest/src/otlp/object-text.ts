/**
 * Text of a body that is a JSON object: where it ends. Text that only looks like one stays text; the outer structure is checked here, the rest by
 * the decoder.
 */
import type { Buffer } from 'node:buffer';
import { readJsonObject } from '@tocsin/core';
import { ObjectScan } from '../decoders/object-scan.ts';

/** An object within bytes, with its braces. */
export interface ObjectText {
  readonly bytes: Buffer;
  readonly from: number;
  readonly to: number;
  /** Whether it has no members. */
  readonly isBlank: boolean;
}

/** Most members of an object that is the text of a body. */
const MAX_MEMBERS = 10_000;
const OPEN_OBJECT = 0x7b;
const LIMITS = { maxDepth: Number.POSITIVE_INFINITY, maxPieces: MAX_MEMBERS };

let scan: ObjectScan | undefined;

/** Finds objects in one piece of bytes after the other. */
export class ObjectTexts {
  readonly #scan = (scan ??= new ObjectScan([]));
  #bytes: Buffer;

  /** In these bytes, which do not change meanwhile. */
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#scan.open(bytes);
  }

  /** The object that bytes[from, to) is, but for white space behind it; undefined where it is none. */
  find(from: number, to: number): ObjectText | undefined {
    if (from >= to || this.#bytes[from] !== OPEN_OBJECT) return undefined;
    const isKnown = this.#scan.read(from, { maxKeys: MAX_MEMBERS }) && this.#scan.end <= to;
    const end = isKnown ? this.#scan.end : endByWalk(this.#bytes, from, to);
    if (end === undefined || !isBlank(this.#bytes, end, to)) return undefined;
    return { bytes: this.#bytes, from, to: end, isBlank: isBlank(this.#bytes, from + 1, end - 1) };
  }

  /** Lets go of the bytes. */
  close(): void {
    this.#scan.close();
  }
}

/** End of the object at `from`, found step by step. */
function endByWalk(bytes: Buffer, from: number, to: number): number | undefined {
  const read = readJsonObject(bytes.subarray(from, to), 0, LIMITS);
  return read.failure === undefined ? from + read.end : undefined;
}

function isBlank(bytes: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if ((bytes[at] as number) > 0x20) return false;
  return true;
}
