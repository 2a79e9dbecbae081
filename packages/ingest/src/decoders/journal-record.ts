/** An entry of the journal as the JSON record that `journalctl -o json` prints: every value is text, a field that came several times a list. */
import { autoDecoder } from './auto.ts';
import { type DecodedRecord, defaultDecodeLimits } from './record-decoder.ts';

const encoder = new TextEncoder();

/** The record, read by what its message is. Fields are bounded by whoever read them. */
export function readJournalEntry(fields: ReadonlyMap<string, readonly string[]>): DecodedRecord {
  const members = [...fields].map(
    ([name, values]) => `${JSON.stringify(name)}:${JSON.stringify(values.length === 1 ? values[0] : values)}`,
  );
  const record = encoder.encode(`{${members.join(',')}}`);
  // JSON is longer than the fields were by its quotes and escapes only.
  const [read] = autoDecoder.decode(record, { ...defaultDecodeLimits, maxRecordBytes: record.length });
  return read ?? { record, format: 'json', fields: Object.fromEntries(fields) };
}
