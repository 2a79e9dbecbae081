/** Streams whose bytes say how they are cut: the first of them are held until they tell. */
import type { FormatName } from '../decoders/decoders.ts';
import { auditdFormat } from '../decoders/lines/auditd.ts';
import type { DecodedRecord, DecodeLimits } from '../decoders/record-decoder.ts';
import { looksLikeEventXml } from '../decoders/windows-xml.ts';
import { isEvtx } from '../evtx/evtx-chunk.ts';
import { sniffCsv } from '../rows/csv-rows.ts';
import { looksLikeZeek } from '../rows/zeek-rows.ts';
import { looksLikeJournalExport } from './journal-stream.ts';
import type { Cut, RecordStream } from './record-stream.ts';
import { looksLikeW3c } from './w3c-stream.ts';

/** How much is looked at, bytes. */
const LOOK_BYTES = 64 * 1024;

/** A stream that is opened by `open` as soon as its first bytes tell how. */
export function createSniffingStream(
  format: FormatName,
  limits: DecodeLimits,
  open: (cut: Cut, format: FormatName, limits: DecodeLimits) => RecordStream,
): RecordStream {
  let inner: RecordStream | undefined;
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  const begin = (): DecodedRecord[] => {
    const head = Buffer.concat(held);
    held = [];
    inner = open(cutOf(head, format), format, limits);
    return inner.push(head);
  };
  return {
    push: (bytes) => {
      if (inner !== undefined) return inner.push(bytes);
      held.push(bytes.slice());
      heldBytes += bytes.length;
      return heldBytes < LOOK_BYTES ? [] : begin();
    },
    end: () => {
      const found = inner === undefined ? begin() : [];
      return [...found, ...(inner?.end() ?? [])];
    },
  };
}

/** How bytes are cut, by how they begin. Only `auto` may turn out to be something else than its name says. */
export function cutOf(head: Uint8Array, format: FormatName): Cut {
  if (format === 'auto' && isEvtx(head)) return 'evtx';
  const text = new TextDecoder().decode(head.subarray(0, LOOK_BYTES), { stream: true });
  const trimmed = text.trimStart();
  if (/^\[\s*(?:[[{\]]|$)/.test(trimmed)) return 'elements';
  if (trimmed.startsWith('{')) return isOnePerLine(trimmed) ? 'lines' : 'values';
  if (/^(?:<\?xml[^>]{0,200}\?>\s*)?<Events?[\s>]/.test(trimmed) || looksLikeEventXml(trimmed)) return 'event-xml';
  return format === 'auto' ? cutOfText(text) : 'lines';
}

function cutOfText(text: string): Cut {
  if (looksLikeZeek(text)) return 'zeek';
  if (looksLikeJournalExport(text)) return 'journal';
  if (looksLikeW3c(text)) return 'w3c';
  const [line = ''] = text.split('\n', 1);
  if (auditdFormat.looks(line)) return 'auditd';
  return sniffCsv(text) === undefined ? 'lines' : 'csv';
}

/** Whether objects stand one per line: the first line is a whole one, or what follows it begins another. */
function isOnePerLine(text: string): boolean {
  const [line = '', next] = text.split(/\r?\n/, 2);
  return next === undefined || next.startsWith('{') || isJson(line);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false; // the one thing that JSON.parse throws for: no JSON
  }
}
