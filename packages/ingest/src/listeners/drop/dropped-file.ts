/** One file of a drop folder, from its first byte to the last: hashed, unpacked, cut into records, given on, and remembered on the way. */
import { createHash } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { type DecodedRecord, defaultDecodeLimits } from '../../decoders/record-decoder.ts';
import type { RawRecord, RecordResult } from '../../source.ts';
import { openRecordStream } from '../../stream/record-stream.ts';
import { unpacked } from '../../stream/unpack.ts';
import { deliverRecords } from '../files/deliver-records.ts';
import type { ListenerContext } from '../listener.ts';
import type { DropLedger } from './drop-ledger.ts';

/** What a file is taken in with. */
export interface DropTarget {
  readonly context: ListenerContext;
  readonly source: string;
  readonly ledger: DropLedger;
  readonly maxPlainBytes: number;
  readonly maxRecordBytes: number;
  /** Stops after the batch that is under way; the file is gone on with after a start. */
  readonly signal: AbortSignal;
  /** Stops waiting for that batch. */
  readonly giveUp: AbortSignal;
}

/** What became of a file. */
export interface DropOutcome {
  /** Hash of its bytes. */
  readonly digest: string;
  readonly records: number;
  readonly taken: number;
  readonly rejected: number;
  /** The first records that were rejected, and why. */
  readonly reasons: readonly string[];
  /** Why reading broke off; undefined where it came to the end. */
  readonly damage: string | undefined;
  /** Whether its bytes had been taken in before, so that nothing of it was read. */
  readonly isKnown: boolean;
}

const READ_BYTES = 256 * 1024;
const BATCH_RECORDS = 2000;
const BATCH_BYTES = 1 << 20;
const MAX_REASONS = 1000;
const NO_BYTES = new Uint8Array(0);

/**
 * Takes in one file; undefined where the signal came first, or it is still being written. What was taken in before is passed over.
 * @throws errors of the file system, listener.source_unknown, Error where it was written to while it was read
 */
export async function takeFile(path: string, target: DropTarget): Promise<DropOutcome | undefined> {
  // No link is followed, and a pipe is not waited for.
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const begun = await file.stat();
    if (!begun.isFile()) throw new Error('it is no regular file');
    const hash = createHash('sha256');
    for await (const piece of piecesOf(file)) {
      if (target.signal.aborted) return undefined;
      hash.update(piece);
    }
    // Not whole yet after all: nothing of it was given on, and it is looked at again.
    if (await hasChanged(file, begun)) return undefined;
    const digest = hash.digest('hex');
    const known = target.ledger.get(digest);
    const before = { digest, records: known?.records ?? 0, taken: 0, rejected: 0, reasons: [], damage: undefined };
    if (known?.isDone === true) return { ...before, isKnown: true };
    return await new DroppedFile(target, digest, before.records).take(file, begun);
  } finally {
    await file.close();
  }
}

class DroppedFile {
  readonly #target: DropTarget;
  readonly #digest: string;
  /** Records settled by an earlier run. */
  readonly #before: number;
  readonly #reasons: string[] = [];
  #number = 0;
  #taken = 0;
  #rejected = 0;
  #batch: RawRecord[] = [];
  #batchBytes = 0;

  constructor(target: DropTarget, digest: string, before: number) {
    this.#target = target;
    this.#digest = digest;
    this.#before = before;
  }

  async take(file: FileHandle, begun: Stats): Promise<DropOutcome | undefined> {
    const { context, source, ledger, maxPlainBytes, maxRecordBytes } = this.#target;
    const stream = openRecordStream(context.boundSource(source).format, { ...defaultDecodeLimits, maxRecordBytes });
    let plainBytes = 0;
    let damage: string | undefined;
    try {
      for await (const piece of unpacked(piecesOf(file))) {
        plainBytes += piece.length;
        context.counts.bytes += piece.length;
        if (plainBytes > maxPlainBytes) throw new RangeError(`it is larger than ${maxPlainBytes} bytes, unpacked`);
        if (!(await this.#add(stream.push(piece)))) return undefined;
      }
    } catch (error) {
      damage = damageOf(error);
    }
    if (!(await this.#add(stream.end())) || !(await this.#flush())) return undefined;
    // What was written meanwhile would be moved away unread.
    if (await hasChanged(file, begun))
      throw new Error(
        'it was written to while it was read: it is read anew once it no longer changes, and its first records are stored once more',
      );
    const isTaken = this.#before > 0 || this.#taken > 0 || this.#number === 0;
    // What was rejected can be put in again.
    await ledger.enter({ digest: this.#digest, records: isTaken ? this.#number : 0, isDone: isTaken && damage === undefined });
    const counted = { digest: this.#digest, records: this.#number, taken: this.#taken, rejected: this.#rejected };
    return { ...counted, reasons: this.#reasons, damage, isKnown: false };
  }

  /** Gives records on as they fill a batch; false where it was given up. */
  async #add(decoded: readonly DecodedRecord[]): Promise<boolean> {
    for (const one of decoded) {
      this.#number += 1;
      if (this.#number <= this.#before) continue;
      const envelope = { id: `${this.#digest.slice(0, 32)}-${this.#number}` };
      if ('rejected' in one) this.#batch.push({ bytes: NO_BYTES, envelope, refused: { code: one.rejected, reason: one.reason } });
      else this.#batch.push({ bytes: one.record, envelope });
      this.#batchBytes += 'rejected' in one ? 0 : one.record.length;
      if ((this.#batch.length >= BATCH_RECORDS || this.#batchBytes >= BATCH_BYTES) && !(await this.#flush())) return false;
    }
    return true;
  }

  async #flush(): Promise<boolean> {
    const { context, source, ledger, signal, giveUp } = this.#target;
    const batch = this.#batch;
    if (batch.length === 0) return true;
    this.#batch = [];
    this.#batchBytes = 0;
    let next = this.#number - batch.length + 1;
    const onResults = (results: readonly RecordResult[]): void => {
      this.#note(results, next);
      next += results.length;
    };
    if (!(await deliverRecords(batch, { context, source, signal: giveUp, onResults }))) return false;
    await ledger.enter({ digest: this.#digest, records: this.#number, isDone: false });
    return !signal.aborted;
  }

  #note(results: readonly RecordResult[], first: number): void {
    for (const [i, result] of results.entries()) {
      if (result.status !== 'rejected') {
        this.#taken += 1;
        continue;
      }
      this.#rejected += 1;
      if (this.#reasons.length < MAX_REASONS) this.#reasons.push(`record ${first + i}: ${result.code}: ${result.reason}`);
    }
  }
}

/** Whether a file was written to since. */
async function hasChanged(file: FileHandle, { size, mtimeMs }: Stats): Promise<boolean> {
  const now = await file.stat();
  return now.size !== size || now.mtimeMs !== mtimeMs;
}

async function* piecesOf(file: FileHandle): AsyncGenerator<Uint8Array> {
  for (let at = 0; ; ) {
    const piece = Buffer.allocUnsafe(READ_BYTES);
    const { bytesRead } = await file.read(piece, 0, READ_BYTES, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield piece.subarray(0, bytesRead);
  }
}

/** Why what was read is not the whole. @throws the error itself where it is none of the file's */
function damageOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'Z_BUF_ERROR') return 'it is cut off';
  if (code?.startsWith('Z_') === true || code?.startsWith('ZSTD_') === true) return `it cannot be unpacked (${message})`;
  if (error instanceof RangeError) return message;
  throw error;
}
