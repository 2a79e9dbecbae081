/**
 * Files and streams as records: bytes in pieces that end anywhere in, decoded records out. What a format needs beyond one record stands here:
 * heads of CSV, Zeek and W3C, chunks of event logs, JSON over several lines, lines of one audit event. How a record reads is `decoders/`.
 */
import type { FormatName } from '../decoders/decoders.ts';
import type { DecodedRecord, DecodeLimits } from '../decoders/record-decoder.ts';
import { createAuditStream } from './audit-stream.ts';
import { createCsvStream } from './csv-stream.ts';
import { createEvtxStream } from './evtx-stream.ts';
import { createJournalStream } from './journal-stream.ts';
import { createLineStream } from './line-stream.ts';
import { createSniffingStream } from './sniffing-stream.ts';
import { createValueStream } from './value-stream.ts';
import { createW3cStream } from './w3c-stream.ts';
import { createZeekStream } from './zeek-stream.ts';

/**
 * Decodes one file or stream of one format; holds what is not whole yet, bounded by the limits. Never throws on input. A record that was
 * not understood is among the answers, with its reason.
 */
export interface RecordStream {
  /** Records that became whole. What is given may be reused afterwards; records are copies or views of copies. */
  push(bytes: Uint8Array): DecodedRecord[];
  /** What is left. Nothing may be pushed afterwards. */
  end(): DecodedRecord[];
}

/** Opens a stream of records of a format; of `auto`, what is written is told by how it begins, then record by record. */
export function openRecordStream(format: FormatName, limits: DecodeLimits): RecordStream {
  switch (format) {
    case 'auto':
    case 'json':
    case 'windows-json':
    case 'windows-xml':
    case 'cloudtrail':
      return createSniffingStream(format, limits, openAs);
    default:
      return openAs(format, format, limits);
  }
}

/** How bytes are cut into records; the formats that need no more than lines are cut into lines. */
export type Cut = 'lines' | 'values' | 'elements' | 'event-xml' | 'auditd' | 'csv' | 'evtx' | 'journal' | 'w3c' | 'zeek';

function openAs(cut: Cut | FormatName, format: FormatName, limits: DecodeLimits): RecordStream {
  switch (cut) {
    case 'values':
      return createValueStream(format, limits, { depth: 0 });
    case 'elements':
      return createValueStream(format, limits, { depth: 1 });
    case 'event-xml':
      return createValueStream('windows-xml', limits, { depth: 0, isXml: true });
    case 'auditd':
      return createAuditStream(limits);
    case 'csv':
      return createCsvStream(limits);
    case 'evtx':
      return createEvtxStream();
    case 'journal':
      return createJournalStream(limits);
    case 'w3c':
      return createW3cStream(limits);
    case 'zeek':
      return createZeekStream(limits);
    default:
      return createLineStream(format, limits);
  }
}
