/**
 * Reading a request body into memory, decompressed, within bounds: on the wire, after decompression, and in time. At the first
 * bound that is reached reading stops; a compression bomb is stopped at the output limit. What the bytes mean is not known here.
 */
import type { IncomingMessage } from 'node:http';
import type { Transform } from 'node:stream';
import { constants, createBrotliDecompress, createGunzip, createZstdDecompress } from 'node:zlib';
import { TocsinError } from '@tocsin/core';

/** Content encodings that are read (RFC 9110 section 8.4.1, RFC 8878, RFC 7932). */
export type BodyEncoding = 'identity' | 'gzip' | 'zstd' | 'br';

/** Bounds of one body. */
export interface ReadBodyOptions {
  readonly encoding: BodyEncoding;
  /** Most bytes on the wire. */
  readonly maxBytes: number;
  /** Most bytes after decompression. */
  readonly maxPlainBytes: number;
  /** Longest time from the first to the last byte, milliseconds. */
  readonly timeoutMs: number;
  /** Asked before bytes are kept; throws what the request is to be refused with. */
  readonly reserve: (bytes: number) => void;
}

/** Names under which an encoding is known in a header. */
const ENCODINGS: ReadonlyMap<string, BodyEncoding> = new Map([
  ['', 'identity'],
  ['identity', 'identity'],
  ['gzip', 'gzip'],
  ['x-gzip', 'gzip'],
  ['zstd', 'zstd'],
  ['br', 'br'],
]);

const OUTPUT_CHUNK_BYTES = 64 * 1024;
/** Largest zstd window, 8 MiB as RFC 8878 section 3.1.1.1.2 recommends: a hostile header could ask for gigabytes. */
const ZSTD_WINDOW_LOG_MAX = 23;

/** The encoding that a `content-encoding` header names. @throws ingest.unsupported_type */
export function encodingOf(header: string | undefined): BodyEncoding {
  const encoding = ENCODINGS.get((header ?? '').trim().toLowerCase());
  if (encoding === undefined) {
    throw new TocsinError('ingest.unsupported_type', {
      header: 'Content-Encoding',
      value: JSON.stringify(header?.slice(0, 60)),
      known: 'identity, gzip, zstd, br',
    });
  }
  return encoding;
}

/**
 * The whole body. On a rejection the rest of the body is unread and the connection still open.
 * @throws ingest.body_too_large, ingest.bad_encoding, ingest.slow_body, ingest.aborted, and what `reserve` throws
 */
export function readBody(request: IncomingMessage, options: ReadBodyOptions): Promise<Buffer> {
  const sink = createSink(options);
  return new Promise<Buffer>((resolve, reject) => {
    const decoder = createDecoder(options.encoding);
    let wireBytes = 0;
    const finish = (error?: unknown): void => {
      clearTimeout(timer);
      request.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onError);
      decoder?.off('data', onPlain).off('drain', onDrain).off('end', onPlainEnd).destroy();
      if (error === undefined) resolve(sink.whole());
      else {
        request.pause();
        reject(error);
      }
    };
    const attempt = (act: () => void): void => {
      try {
        act();
      } catch (error) {
        finish(error);
      }
    };
    const onData = (chunk: Buffer): void =>
      attempt(() => {
        wireBytes += chunk.length;
        if (wireBytes > options.maxBytes) throw new TocsinError('ingest.body_too_large', { what: 'bytes', max: options.maxBytes });
        if (decoder === undefined) sink.add(chunk);
        else if (!decoder.write(chunk)) request.pause();
      });
    const onPlain = (chunk: Buffer): void => attempt(() => sink.add(chunk));
    const onDrain = (): void => void request.resume();
    const onPlainEnd = (): void => finish();
    const onEnd = (): void => {
      if (decoder === undefined) finish();
      else decoder.end();
    };
    const onError = (cause: unknown): void => finish(new TocsinError('ingest.aborted', { readBytes: wireBytes }, { cause }));
    const onClose = (): void => {
      if (!request.complete) finish(new TocsinError('ingest.aborted', { readBytes: wireBytes }));
    };
    const timer = setTimeout(() => finish(new TocsinError('ingest.slow_body', { waitedMs: options.timeoutMs })), options.timeoutMs);
    decoder?.on('data', onPlain).on('drain', onDrain).on('end', onPlainEnd);
    // Stays after the end: a destroyed decoder may still report what its last chunk was.
    decoder?.on('error', (cause) =>
      finish(new TocsinError('ingest.bad_encoding', { encoding: options.encoding, reason: cause.message }, { cause })),
    );
    request.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onError);
  });
}

function createDecoder(encoding: BodyEncoding): Transform | undefined {
  if (encoding === 'gzip') return createGunzip({ chunkSize: OUTPUT_CHUNK_BYTES });
  if (encoding === 'br') return createBrotliDecompress({ chunkSize: OUTPUT_CHUNK_BYTES });
  if (encoding === 'zstd')
    return createZstdDecompress({ chunkSize: OUTPUT_CHUNK_BYTES, params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG_MAX } });
  return undefined;
}

/** Collects chunks up to the limit. */
function createSink(options: ReadBodyOptions): { add(chunk: Buffer): void; whole(): Buffer } {
  const chunks: Buffer[] = [];
  let bytes = 0;
  return {
    add(chunk) {
      bytes += chunk.length;
      if (bytes > options.maxPlainBytes)
        throw new TocsinError('ingest.body_too_large', { what: 'bytes after decompression', max: options.maxPlainBytes });
      options.reserve(chunk.length);
      chunks.push(chunk);
    },
    whole: () => (chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, bytes)),
  };
}
