/**
 * The formats `csv`, `zeek`, `w3c` and `evtx`: what a record says is known only with the head of its file, so that files of them come apart
 * in `stream/` into JSON objects. One such object is a record here, by its looks.
 */
import { autoDecoder } from './auto.ts';
import { type RecordDecoder, rejectRecord } from './record-decoder.ts';

/** Decoder of one row, written as a JSON object under the names of its file's head. */
export const rowsDecoder: RecordDecoder = {
  decode: (bytes, limits) =>
    bytes[0] === OPEN_OBJECT
      ? autoDecoder.decode(bytes, limits)
      : [
          rejectRecord(bytes, 'decode.bad_line', {
            format: 'csv, zeek, w3c or evtx',
            reason: 'a row alone says nothing: send whole files, or JSON objects',
          }),
        ],
};

const OPEN_OBJECT = 0x7b;
