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
  const bytes = Buffer.allocUnsafe(records * LONGEST_BYTES);
  let at = 0;
  for (let offset = 0; offset < records; offset++) {
    const place = varint(offset);
    const tail = [NULL, NULL, ONE_HEADER, name.length << 1];
    const length = varint(2 + place.length + tail.length + name.length + 1);
    for (const byte of [...length, 0, 0, ...place, ...tail]) bytes[at++] = byte;
    at += name.copy(bytes, at);
    bytes[at++] = NULL;
  }
  return bytes.subarray(0, at);
}

/** A number from 0 as a zigzag varint. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let left = value * 2;
  for (; left > 0x7f; left = Math.floor(left / 128)) bytes.push((left % 128) | 0x80);
  bytes.push(left);
  return bytes;
}
