/**
 * What the client is given in place of a batch that unpacks to too much: as many records as it asks for, without content, marked, each at its
 * own offset. So the partition goes on behind the batch and every record of it is counted as refused. Source: Kafka protocol, record batch version 2.
 */

/** Name of the header that marks them. A producer who sets it has his own messages refused. */
export const STAND_IN_HEADER = 'tocsin-cut';

/** Most records that a batch may say it has: more are not made up for. */
const MAX_RECORDS = 1 << 20;
const NULL = 0x01; // -1 as a zigzag varint: no key, no value
const ONE_HEADER = 0x02;
const LONGEST_BYTES = 24;

/** Records with offsets 0 to `records` - 1 behind the first of their batch. The client reads as many as the batch says. */
export function standInRecords(records = MAX_RECORDS): Buffer {
  const name = Buffer.from(STAND_IN_HEADER);
  const tail = Buffer.from([NULL, NULL, ONE_HEADER, name.length << 1, ...name, NULL]);
  const bytes = Buffer.allocUnsafe(records * LONGEST_BYTES);
  let at = 0;
  for (let offset = 0; offset < records; offset++) {
    // Its length, no attributes and no time of its own; the length is one byte, as the record is short.
    const start = at;
    at = writeVarint(bytes, offset, start + 3);
    bytes[start] = (at - start - 1 + tail.length) << 1;
    bytes[start + 1] = bytes[start + 2] = 0;
    bytes.set(tail, at);
    at += tail.length;
  }
  return bytes.subarray(0, at);
}

/** Writes a number from 0 as a zigzag varint; gives the place behind it. */
function writeVarint(bytes: Buffer, value: number, start: number): number {
  let [left, at] = [value * 2, start];
  for (; left > 0x7f; left >>>= 7) bytes[at++] = (left & 0x7f) | 0x80;
  bytes[at++] = left;
  return at;
}
