/** Streams of Windows event logs (`.evtx`): a head, then chunks that stand on their own. Each event becomes the JSON that tools make of it. */
import { type DecodedRecord, rejectRecord } from '../decoders/record-decoder.ts';
import { EVTX_CHUNK_BYTES, EVTX_HEAD_BYTES, isEvtx, readEvtxChunk } from '../evtx/evtx-chunk.ts';
import type { RecordStream } from './record-stream.ts';

/** A stream of chunks; holds less than one. */
export function createEvtxStream(): RecordStream {
  const held = new Uint8Array(EVTX_CHUNK_BYTES);
  let filled = 0;
  let wanted = EVTX_HEAD_BYTES;
  let isLog: boolean | undefined;
  const takePart = (): DecodedRecord[] => {
    const part = held.slice(0, filled);
    filled = 0;
    if (isLog === undefined) {
      isLog = isEvtx(part);
      wanted = EVTX_CHUNK_BYTES;
      return isLog ? [] : [reject(part.subarray(0, 64), 'it does not begin as an event log')];
    }
    return isLog ? readChunk(part) : [];
  };
  return {
    push: (bytes) => {
      const found: DecodedRecord[] = [];
      for (let at = 0; at < bytes.length; ) {
        const length = Math.min(wanted - filled, bytes.length - at);
        held.set(bytes.subarray(at, at + length), filled);
        filled += length;
        at += length;
        if (filled === wanted) found.push(...takePart());
      }
      return found;
    },
    end: () => {
      if (filled === 0) return [];
      if (isLog === undefined) return [reject(held.slice(0, Math.min(filled, 64)), 'it ends within its head')];
      // A chunk that is cut off still holds its first records.
      held.fill(0, filled);
      filled = wanted;
      return takePart();
    },
  };
}

function readChunk(chunk: Uint8Array): DecodedRecord[] {
  const { records, unread } = readEvtxChunk(chunk);
  return [
    ...records.map(({ fields }) => ({ record: encoder.encode(JSON.stringify(fields)), format: 'windows-json', fields })),
    ...unread.map(({ number, reason }) => reject(new Uint8Array(0), `record ${number}: ${reason}`)),
  ];
}

function reject(bytes: Uint8Array, reason: string): DecodedRecord {
  return rejectRecord(bytes, 'decode.bad_line', { format: 'evtx', reason });
}

const encoder = new TextEncoder();
