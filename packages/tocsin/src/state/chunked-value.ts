/**
 * Values larger than a bucket takes: gzip, cut into chunks, named by a small manifest that is written last. A reader
 * sees the old value or the new one, never a mixture; chunks of the replaced value are removed afterwards.
 */
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { StateBucket } from '@tocsin/bus';
import { isTocsinError, TocsinError } from '@tocsin/core';

/** Chunk size in bytes: below what every bus takes as a value (512 KiB). */
const CHUNK_BYTES = 384 * 1024;
/** Largest value read back, bytes: bounds memory should a manifest lie. */
const MAX_VALUE_BYTES = 1 << 30;

interface Manifest {
  /** Distinguishes the chunks of this value from those of the one it replaces. */
  readonly content: string;
  readonly chunks: number;
  readonly about?: Readonly<Record<string, string>> | undefined;
}

/** A value with what there is to say about writing it. */
export interface NotedValue {
  readonly bytes: Uint8Array;
  /** Whoever decided by what he read gives its revision, 0 where nothing was there. */
  readonly expected?: number | undefined;
  /** A few words about it that can be read without it. */
  readonly about?: Readonly<Record<string, string>> | undefined;
}

/**
 * Writes a value under a name, replacing the former one, and resolves with its revision. @throws bus.fenced where somebody has written since
 */
export async function putChunked(bucket: StateBucket, name: string, value: Uint8Array | NotedValue): Promise<number> {
  const { bytes, expected, about }: NotedValue = value instanceof Uint8Array ? { bytes: value } : value;
  const packed = await promisify(gzip)(bytes);
  const content = contentOf(packed);
  const present = await bucket.get(name);
  const revision = present?.revision ?? 0;
  if (expected !== undefined && expected !== revision) throw new TocsinError('bus.fenced', { subject: name });
  const former = present && parseManifest(present.value);
  if (former?.content === content) return revision;
  await putChunks(bucket, { name, content, packed });
  const manifest: Manifest = { content, chunks: chunksOf(packed), ...(about === undefined ? {} : { about }) };
  const written = await bucket.put(name, Buffer.from(JSON.stringify(manifest)), revision);
  await removeOthers(bucket, name, content);
  return written;
}

/** Rounds in which writers of one content may come between each other: each of them brings at least one a chunk further. */
const CONTENT_ROUNDS = 100;

/**
 * Keeps a value under a name that stands for its content, unless it is kept already: whoever else writes it meanwhile writes the same.
 * @throws bus.fenced where others write under that name again and again
 */
export async function putContent(bucket: StateBucket, name: string, value: NotedValue): Promise<void> {
  for (let round = 1; (await bucket.get(name)) === undefined; round++) {
    try {
      await putChunked(bucket, name, value);
    } catch (error) {
      if (!isTocsinError(error, 'bus.fenced') || round === CONTENT_ROUNDS) throw error;
    }
  }
}

/** Removes the value of a name, if there is one. @throws bus.fenced where somebody writes it meanwhile */
export async function deleteChunked(bucket: StateBucket, name: string): Promise<void> {
  const present = await bucket.get(name);
  if (present) await bucket.delete(name, present.revision);
  await removeOthers(bucket, name, '');
}

/** Reads the value of a name back; undefined where there is none. @throws store.value_damaged where part of it is missing or not what was written */
export async function getChunked(bucket: StateBucket, name: string): Promise<Uint8Array | undefined> {
  return (await readChunked(bucket, name))?.value;
}

/** The words about a value; undefined where there are none. */
export async function aboutChunked(bucket: StateBucket, name: string): Promise<Readonly<Record<string, string>> | undefined> {
  const entry = await bucket.get(name);
  return entry && parseManifest(entry.value).about;
}

/** A value and the revision it stands at. */
export interface ChunkedValue {
  readonly value: Uint8Array;
  readonly revision: number;
}

/** The same with its revision. @throws store.value_damaged */
export async function readChunked(bucket: StateBucket, name: string): Promise<ChunkedValue | undefined> {
  let missing = '';
  for (;;) {
    const entry = await bucket.get(name);
    if (!entry) return undefined;
    const manifest = parseManifest(entry.value);
    const packed = await readChunks(bucket, name, manifest);
    if (packed) return { value: await unpack(name, manifest, packed), revision: entry.revision };
    // A writer replaced the value between our reads: its manifest is there by now. The same manifest again is damage.
    if (missing === manifest.content) throw new TocsinError('store.value_damaged', { name, reason: 'part of it is missing' });
    missing = manifest.content;
  }
}

function chunksOf(packed: Uint8Array): number {
  return Math.ceil(packed.length / CHUNK_BYTES);
}

async function putChunks(
  bucket: StateBucket,
  { name, content, packed }: { name: string; content: string; packed: Uint8Array },
): Promise<void> {
  for (let i = 0; i < chunksOf(packed); i++) {
    const key = chunkKey(name, content, i);
    const left = await bucket.get(key);
    await bucket.put(key, packed.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES), left?.revision ?? 0);
  }
}

async function readChunks(bucket: StateBucket, name: string, { content, chunks }: Manifest): Promise<Uint8Array | undefined> {
  const parts: Uint8Array[] = [];
  for (let i = 0; i < chunks; i++) {
    const chunk = await bucket.get(chunkKey(name, content, i));
    if (!chunk) return undefined;
    parts.push(Buffer.from(chunk.value));
  }
  return Buffer.concat(parts);
}

function unpack(name: string, { content }: Manifest, packed: Uint8Array): Promise<Uint8Array> {
  if (contentOf(packed) !== content) throw new TocsinError('store.value_damaged', { name, reason: 'its hash is not what was written' });
  return promisify(gunzip)(packed, { maxOutputLength: MAX_VALUE_BYTES });
}

/** Removes chunks that no manifest names: of the value replaced, and of writers that died before their manifest. */
async function removeOthers(bucket: StateBucket, name: string, content: string): Promise<void> {
  for (const key of await bucket.keys()) {
    if (!key.startsWith(`${name}.`) || key.startsWith(`${name}.${content}.`)) continue;
    const entry = await bucket.get(key);
    if (entry) await bucket.delete(key, entry.revision);
  }
}

function contentOf(packed: Uint8Array): string {
  return createHash('sha256').update(packed).digest('hex').slice(0, 16);
}

function chunkKey(name: string, content: string, index: number): string {
  return `${name}.${content}.${index}`;
}

function parseManifest(value: Uint8Array): Manifest {
  return JSON.parse(Buffer.from(value).toString()) as Manifest;
}
