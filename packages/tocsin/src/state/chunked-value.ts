/**
 * Values larger than a bucket takes: gzip, cut into chunks, named by a small manifest that is written last. A reader
 * sees the old value or the new one, never a mixture; chunks of the replaced value are removed afterwards.
 */
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { StateBucket } from '@tocsin/bus';
import { sha256Hex } from '@tocsin/core';

/** Chunk size in bytes: below what every bus takes as a value (512 KiB). */
const CHUNK_BYTES = 384 * 1024;
/** Largest value read back, bytes: bounds memory should a manifest lie. */
const MAX_VALUE_BYTES = 1 << 30;

interface Manifest {
  /** Distinguishes the chunks of this value from those of the one it replaces. */
  readonly content: string;
  readonly chunks: number;
}

/** Writes a value under a name, replacing the former one. One writer per name. @throws bus.fenced when there are two */
export async function putChunked(bucket: StateBucket, name: string, value: Uint8Array): Promise<void> {
  const packed = await promisify(gzip)(value);
  const content = sha256Hex(packed).slice(0, 16);
  const present = await bucket.get(name);
  const former = present && parseManifest(present.value);
  if (former?.content === content) return;
  const chunks = Math.ceil(packed.length / CHUNK_BYTES);
  for (let i = 0; i < chunks; i++) {
    const key = chunkKey(name, content, i);
    const left = await bucket.get(key);
    await bucket.put(key, packed.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES), left?.revision ?? 0);
  }
  const manifest: Manifest = { content, chunks };
  await bucket.put(name, Buffer.from(JSON.stringify(manifest)), present?.revision ?? 0);
  if (former) await removeChunks(bucket, name, former);
}

/** Reads the value of a name back; undefined where there is none. */
export async function getChunked(bucket: StateBucket, name: string): Promise<Uint8Array | undefined> {
  const entry = await bucket.get(name);
  if (!entry) return undefined;
  const { content, chunks } = parseManifest(entry.value);
  const parts: Uint8Array[] = [];
  for (let i = 0; i < chunks; i++) {
    const chunk = await bucket.get(chunkKey(name, content, i));
    // A writer replaced the value between our two reads: its manifest is there by now.
    if (!chunk) return getChunked(bucket, name);
    parts.push(Buffer.from(chunk.value));
  }
  return promisify(gunzip)(Buffer.concat(parts), { maxOutputLength: MAX_VALUE_BYTES });
}

async function removeChunks(bucket: StateBucket, name: string, former: Manifest): Promise<void> {
  for (let i = 0; i < former.chunks; i++) {
    const entry = await bucket.get(chunkKey(name, former.content, i));
    if (entry) await bucket.delete(entry.key, entry.revision);
  }
}

function chunkKey(name: string, content: string, index: number): string {
  return `${name}.${content}.${index}`;
}

function parseManifest(value: Uint8Array): Manifest {
  return JSON.parse(Buffer.from(value).toString()) as Manifest;
}
