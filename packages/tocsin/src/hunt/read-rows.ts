/** Blocks whose records are not JSON: each record's fields, one after the other. */
import type { Fields } from '@tocsin/core';
import { EVTX_CHUNK_BYTES, readCsvEvents, readEvtxChunk, readZeekLine } from '@tocsin/ingest/read';
import type { BlockForm, Unread } from './hunt-block.ts';

/** Takes what is found. */
export interface RowSink {
  onFields(fields: Fields, line: number): void;
  onUnread(unread: Unread): void;
}

/** Tells every record of a block, lines counted from 0; gives the number of lines. */
export function readRows(bytes: Uint8Array, form: Extract<BlockForm, { kind: 'csv' | 'zeek' | 'evtx' }>, sink: RowSink): number {
  if (form.kind === 'evtx') return readChunks(bytes, sink);
  const text = new TextDecoder().decode(bytes);
  if (form.kind === 'csv') {
    const { events, lineCount } = readCsvEvents(text, form.head);
    for (const event of events) {
      if ('fields' in event) sink.onFields(event.fields, event.line);
      else sink.onUnread(event);
    }
    return lineCount;
  }
  const lines = text.split('\n');
  // Behind the last line end nothing follows.
  if (lines.at(-1) === '') lines.pop();
  lines.forEach((line, i) => {
    if (line.trim() === '') return;
    const fields = readZeekLine(line.endsWith('\r') ? line.slice(0, -1) : line, form.log);
    if (typeof fields === 'string') sink.onUnread({ line: i, reason: fields });
    else sink.onFields(fields, i);
  });
  return lines.length;
}

/** Records of an event log are counted in place of lines. */
function readChunks(bytes: Uint8Array, sink: RowSink): number {
  let line = 0;
  for (let start = 0; start < bytes.length; start += EVTX_CHUNK_BYTES) {
    const { records, unread } = readEvtxChunk(bytes.subarray(start, start + EVTX_CHUNK_BYTES));
    const all = [...records, ...unread].sort((a, b) => a.number - b.number);
    for (const one of all) {
      if ('fields' in one) sink.onFields(one.fields, line);
      else sink.onUnread({ line, reason: one.reason });
      line += 1;
    }
  }
  return line;
}
