/** What one pass over the files brought: records, and how far each file is settled once they are stored. */
import type { RawRecord } from '../../source.ts';
import type { FilePlace } from './checkpoint.ts';
import type { FileRead, FollowedFile } from './followed-file.ts';
import type { FileRecord } from './line-joiner.ts';

/** Records of several files. */
export class FileBatch {
  readonly records: RawRecord[] = [];
  readonly places = new Map<FollowedFile, FilePlace>();
  /** Files that nothing more is read of once these records are stored. */
  readonly finished = new Set<FollowedFile>();
  bytes = 0;
  hasMore = false;

  /** Adds what was read of a file. */
  add(file: FollowedFile, read: FileRead): void {
    this.addRecords(file.entry.id, read.records);
    for (const { at, bytes } of read.tooLong) {
      const refused = {
        code: 'decode.too_large' as const,
        reason: `A line of ${bytes} bytes at byte ${at} of ${file.entry.path} was left out.`,
      };
      this.records.push({ bytes: NOTHING, refused });
    }
    this.bytes += read.bytes;
    this.hasMore ||= read.hasMore;
    this.places.set(file, read.place);
  }

  /** Adds records of a file by its id. What it was read from and where gives them the same id whenever they are read. */
  addRecords(id: string, records: readonly FileRecord[]): void {
    for (const { at, bytes } of records) this.records.push({ bytes, envelope: { id: `${id}-${at}` } });
  }
}

const NOTHING = new Uint8Array(0);
