/**
 * The spike's frame: one flag byte (0 plain, 1 zstd level 1), then one line of JSON per event. Writer's side and the owner's reader.
 * The independent check has its own decoder (verify.ts) on purpose.
 */
import { createHash } from 'node:crypto';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';

/** One event as a producer posts it. */
export type SpikeEvent = { readonly id: string; readonly tenant: string; readonly source: string; readonly text: string };

/** Limits of a frame before compression. */
export const maxFrameEvents = 512;
export const maxFrameBytes = 256 * 1024;
/** Partitions of the spike. */
export const partitions = 4;
/** Name of the stream that holds events; the stream that holds alerts and checkpoints. */
export const eventStream = 'EVENTS_LIVE';
export const alertStream = 'ALERTS';

const compressAboveBytes = 8 * 1024;

/** Stable partition of a source. */
export function partitionOf(tenant: string, source: string): number {
  return createHash('sha256').update(`${tenant}\0${source}`).digest().readUInt32LE(0) % partitions;
}

/** Deterministic: the same events in the same order give the same id. */
export function frameId(events: readonly SpikeEvent[]): string {
  const hash = createHash('sha256');
  for (const event of events) hash.update(`${event.tenant}\0${event.source}\0${event.id}\n`);
  return hash.digest('base64url').slice(0, 22);
}

/** Encodes events of one tenant and partition. */
export function encodeFrame(events: readonly SpikeEvent[]): Uint8Array {
  const plain = Buffer.from(events.map((event) => JSON.stringify(event)).join('\n'));
  const isCompressed = plain.length > compressAboveBytes;
  const body = isCompressed ? zstdCompressSync(plain, { params: { [constants.ZSTD_c_compressionLevel]: 1 } }) : plain;
  return Buffer.concat([Uint8Array.of(isCompressed ? 1 : 0), body]);
}

/** @throws on bytes that encodeFrame did not make. */
export function decodeFrame(frame: Uint8Array): SpikeEvent[] {
  const body = frame.subarray(1);
  const plain = frame[0] === 1 ? zstdDecompressSync(body) : Buffer.from(body);
  return plain
    .toString('utf8')
    .split('\n')
    .map((line) => JSON.parse(line) as SpikeEvent);
}
