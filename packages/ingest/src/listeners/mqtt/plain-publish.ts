/** The packet that comes most, PUBLISH without properties, read without the codec; whatever is unusual about one is left to it. Source: MQTT 3.1.1 and 5.0, section 3.3. */
import type { IPublishPacket } from 'mqtt-packet';

const PUBLISH = 3;
const NO_PROPERTIES = 0;

/** A packet that is whole, as the codec would read it; undefined where it is no PUBLISH, has properties or is malformed. */
export function readPlainPublish(bytes: Buffer, version: 4 | 5): IPublishPacket | undefined {
  const head = bytes[0] as number;
  const qos = (head >> 1) & 3;
  if (head >> 4 !== PUBLISH || qos === 3) return undefined;
  const topicAt = endOfLength(bytes) + 2;
  if (topicAt > bytes.length) return undefined;
  const topicEnd = topicAt + bytes.readUInt16BE(topicAt - 2);
  const idEnd = qos === 0 ? topicEnd : topicEnd + 2;
  const payloadAt = version === 5 ? idEnd + 1 : idEnd;
  if (payloadAt > bytes.length || (version === 5 && bytes[idEnd] !== NO_PROPERTIES)) return undefined;
  const packet: IPublishPacket = {
    cmd: 'publish',
    retain: (head & 1) !== 0,
    qos: qos as 0 | 1 | 2,
    dup: (head & 8) !== 0,
    length: bytes.length - topicAt + 2,
    topic: bytes.toString('utf8', topicAt, topicEnd),
    payload: bytes.subarray(payloadAt),
  };
  if (qos > 0) packet.messageId = bytes.readUInt16BE(topicEnd);
  return packet;
}

/** Index behind the length of the packet, which has at most four bytes. */
function endOfLength(bytes: Buffer): number {
  let at = 1;
  while (at < 5 && (bytes[at] as number) >= 0x80) at++;
  return at + 1;
}
