/**
 * `@ts-evtx/core`, with types: its own do not resolve under this project's module rules. Only what is used here is declared. To change the
 * library, change this file.
 */
import { createRequire } from 'node:module';

/** A record of an event log. */
export interface LibraryRecord {
  recordNum(): bigint;
  /** The event as XML. @throws whatever the library meets in a damaged record */
  renderXml(): string;
}

/** A chunk of an event log: 64 KiB that stand on their own. */
export interface LibraryChunk {
  checkMagic(): boolean;
  logFirstRecordNumber(): bigint;
  logLastRecordNumber(): bigint;
  /** Ends early, without a word, at the first record that is none. */
  records(): Generator<LibraryRecord>;
}

interface Library {
  readonly BinaryReader: new (bytes: Uint8Array) => object;
  readonly ChunkHeader: new (reader: object, offset: number) => LibraryChunk;
}

/** Loaded with the first event log: most runs see none. */
let library: Library | undefined;

/** Opens a chunk. The bytes must not change while it is read. */
export function openLibraryChunk(bytes: Uint8Array): LibraryChunk {
  library ??= createRequire(import.meta.url)('@ts-evtx/core') as Library;
  const { BinaryReader, ChunkHeader } = library;
  return new ChunkHeader(new BinaryReader(bytes), 0);
}
