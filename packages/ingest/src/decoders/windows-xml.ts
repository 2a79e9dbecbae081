/**
 * The format `windows-xml`: one Windows event as XML (wevtutil, Windows Event Collector, NXLog's `to_xml`). What is kept is the event as
 * JSON, in the shape that tools make of event logs: every rule for Windows reads that.
 */
import { readEventXml } from '../evtx/event-xml.ts';
import { decodeUtf8 } from './json-record.ts';
import { type DecodedRecord, type DecodeLimits, type RecordDecoder, rejectRecord } from './record-decoder.ts';

/** Decoder of one `<Event>` per record. */
export const windowsXmlDecoder: RecordDecoder = { decode: (bytes, limits) => [decodeXml(bytes, limits)] };

/** Whether text begins as an event in XML. */
export function looksLikeEventXml(text: string): boolean {
  return /^\uFEFF?\s{0,64}(?:<\?xml[^>]{0,200}\?>\s{0,64})?<Event[\s>]/.test(text);
}

function decodeXml(bytes: Uint8Array, limits: DecodeLimits): DecodedRecord {
  const format = 'windows-xml';
  if (bytes.length > limits.maxRecordBytes)
    return rejectRecord(bytes, 'decode.too_large', { bytes: bytes.length, maxBytes: limits.maxRecordBytes });
  const text = decodeUtf8(bytes);
  if (text === undefined) return rejectRecord(bytes, 'decode.bad_utf8', { format });
  const fields = readEventXml(text.trim());
  if (fields === undefined)
    return rejectRecord(bytes, 'decode.bad_line', { format, reason: 'it is no `<Event>` with a `<System>` in well-formed XML' });
  return { record: new TextEncoder().encode(JSON.stringify(fields)), format: 'windows-json', fields };
}
