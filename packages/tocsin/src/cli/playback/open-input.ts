/** Log files and standard input as plain bytes: gzip and zstd are recognised by how they begin, not by their name. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { TocsinError } from '@tocsin/core';
import { unpacked } from '@tocsin/ingest';

/** An input that is being read. */
export interface Input {
  /** Its name for people: the path as typed, or `(standard input)`. */
  readonly name: string;
  /** Size on disk in bytes; undefined where it is not known before its end. */
  readonly size: number | undefined;
  /** Bytes read from disk so far. */
  readonly readBytes: () => number;
  /** Plain bytes. Ends in cli.unreadable where the file cannot be read or decompressed. */
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** How much is read at a time. */
const READ_BYTES = 256 * 1024;

/** Opens a file, or standard input for `-`. The bytes are read as they are asked for. @throws cli.unreadable */
export async function openInput(path: string, stdin: AsyncIterable<Uint8Array>): Promise<Input> {
  if (path === '-') return countInput('(standard input)', undefined, stdin);
  try {
    const found = await stat(path);
    if (found.isDirectory()) throw new TocsinError('cli.unreadable', { path, reason: 'it is a folder' });
    return countInput(path, found.isFile() ? found.size : undefined, createReadStream(path, { highWaterMark: READ_BYTES }));
  } catch (error) {
    throw unreadable(path, error);
  }
}

function countInput(name: string, size: number | undefined, source: AsyncIterable<Uint8Array>): Input {
  let read = 0;
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of source) {
      read += chunk.length;
      yield chunk;
    }
  }
  return { name, size, readBytes: () => read, bytes: plainBytes(name, counted()) };
}

async function* plainBytes(name: string, source: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* unpacked(source);
  } catch (error) {
    throw unreadable(name, error);
  }
}

function unreadable(path: string, error: unknown): unknown {
  if (error instanceof TocsinError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such file',
    EACCES: 'its permissions forbid it',
    Z_BUF_ERROR: 'it is cut off',
  };
  return new TocsinError('cli.unreadable', { path, reason: reasons[code ?? ''] ?? message }, { cause: error });
}
