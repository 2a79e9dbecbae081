/**
 * Where the bytes of a hunt come from: files and standard input, unpacked where they are packed. Read into the reader's own buffer, so
 * that plain bytes are copied once, by the operating system.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { TocsinError } from '@tocsin/core';
import { asUtf8, unpackerOf, unpackThrough, wideMarkOf } from '@tocsin/ingest/read';

/** Bytes in order, once. Whoever opened it disposes it. */
export interface ByteSource extends AsyncDisposable {
  /** Fills from the front; resolves with how many bytes, 0 at the end. @throws cli.unreadable */
  read(into: Uint8Array): Promise<number>;
  /** Bytes taken from disk so far, for progress. */
  readonly takenBytes: number;
}

/** A file that is there: its size on disk and when it was last written, which gives a year to times without one. */
export interface OpenFile extends ByteSource {
  readonly changedMs: number;
}

const PIECE_BYTES = 256 * 1024;

/** Opens a file; gzip, zstd and UTF-16 are told by how they begin. @throws cli.unreadable */
export async function openFile(path: string): Promise<OpenFile> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'r');
    const { mtimeMs } = await handle.stat();
    const head = new Uint8Array(4);
    const { bytesRead } = await handle.read(head, 0, head.length, 0);
    const plain = plainFile(path, handle);
    return withTime(unpack(path, head.subarray(0, bytesRead), () => piecesOf(plain)) ?? plain, mtimeMs);
  } catch (error) {
    await handle?.close();
    throw unreadable(path, error);
  }
}

/** Standard input, or any stream of pieces; `changedMs` is what is taken for when it was written. @throws cli.unreadable */
export async function openStream(name: string, pieces: AsyncIterable<Uint8Array>, changedMs: number): Promise<OpenFile> {
  const iterator = pieces[Symbol.asyncIterator]();
  const first = await iterator.next();
  const head = first.done === true ? new Uint8Array(0) : first.value;
  let takenBytes = head.length;
  async function* whole(): AsyncGenerator<Uint8Array> {
    yield head;
    for (;;) {
      const { value, done } = await iterator.next();
      if (done === true) return;
      takenBytes += value.length;
      yield value;
    }
  }
  return withTime(unpack(name, head, whole) ?? fromPieces(name, whole(), () => takenBytes), changedMs);
}

function withTime(source: ByteSource, changedMs: number): OpenFile {
  return {
    changedMs,
    read: (into) => source.read(into),
    get takenBytes() {
      return source.takenBytes;
    },
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  };
}

function plainFile(path: string, handle: FileHandle): ByteSource {
  let takenBytes = 0;
  return {
    read: async (into) => {
      try {
        const { bytesRead } = await handle.read(into, 0, into.length, takenBytes);
        takenBytes += bytesRead;
        return bytesRead;
      } catch (error) {
        throw unreadable(path, error);
      }
    },
    get takenBytes() {
      return takenBytes;
    },
    [Symbol.asyncDispose]: () => handle.close(),
  };
}

/** A source of what is packed in another, or written in UTF-16; undefined where it is plain. */
function unpack(name: string, head: Uint8Array, pieces: () => AsyncGenerator<Uint8Array>): ByteSource | undefined {
  const unpacker = unpackerOf(head);
  if (unpacker === undefined && wideMarkOf(head) === undefined) return undefined;
  let takenBytes = 0;
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const piece of pieces()) {
      takenBytes += piece.length;
      yield piece;
    }
  }
  return fromPieces(name, asUtf8(unpacker === undefined ? counted() : unpackThrough(counted(), unpacker)), () => takenBytes);
}

function fromPieces(name: string, pieces: AsyncIterable<Uint8Array>, taken: () => number): ByteSource {
  const iterator = pieces[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array(0);
  return {
    read: async (into) => {
      try {
        while (rest.length === 0) {
          const { value, done } = await iterator.next();
          if (done === true) return 0;
          rest = value;
        }
      } catch (error) {
        throw unreadable(name, error);
      }
      const length = Math.min(rest.length, into.length);
      into.set(rest.subarray(0, length));
      rest = rest.subarray(length);
      return length;
    },
    get takenBytes() {
      return taken();
    },
    [Symbol.asyncDispose]: async () => {
      await iterator.return?.();
    },
  };
}

async function* piecesOf(source: ByteSource): AsyncGenerator<Uint8Array> {
  try {
    for (;;) {
      const piece = new Uint8Array(PIECE_BYTES);
      const length = await source.read(piece);
      if (length === 0) return;
      yield piece.subarray(0, length);
    }
  } finally {
    await source[Symbol.asyncDispose]();
  }
}

function unreadable(path: string, error: unknown): TocsinError {
  if (error instanceof TocsinError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  return new TocsinError('cli.unreadable', { path, reason: REASONS[code ?? ''] ?? message }, { cause: error });
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'its permissions forbid it',
  EISDIR: 'it is a folder',
  ELOOP: 'its links lead in a circle',
  Z_BUF_ERROR: 'it is cut off',
  Z_DATA_ERROR: 'it is damaged',
};
