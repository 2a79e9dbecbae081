/** PUBLISH without properties reads as the codec reads it, and everything else is left to the codec. */
import { generate, type IPublishPacket, type Packet, parser } from 'mqtt-packet';
import { expect, test } from 'vitest';
import { readPlainPublish } from './plain-publish.ts';

const BASE: IPublishPacket = {
  cmd: 'publish',
  topic: 't/é',
  payload: Buffer.from('{"a":1}'),
  qos: 1,
  dup: false,
  retain: false,
  messageId: 7,
};

function byCodec(bytes: Buffer, protocolVersion: 4 | 5): Packet | undefined {
  const codec = parser({ protocolVersion });
  let read: Packet | undefined;
  codec.on('packet', (packet) => {
    read = packet;
  });
  codec.on('error', () => undefined);
  codec.parse(bytes);
  return read;
}

test.each([4, 5] as const)('version %s', (version) => {
  const many: Partial<IPublishPacket>[] = [
    {},
    { qos: 0 },
    { qos: 2, messageId: 65_535 },
    { dup: true, retain: true },
    { payload: Buffer.alloc(0) },
    { payload: Buffer.alloc(200, 'x') },
    { payload: Buffer.alloc(20_000, 'x') },
    { topic: 'x'.repeat(3000) },
  ];
  for (const one of many) {
    const bytes = generate({ ...BASE, ...one }, { protocolVersion: version });
    const read = readPlainPublish(bytes, version);
    expect(read).toBeDefined();
    expect(read).toMatchObject({ ...byCodec(bytes, version), length: read?.length });
    expect(read?.length).toBe(byCodec(bytes, version)?.length);
  }
});

test('what has properties, is cut or of another kind is left to the codec', () => {
  const properties = generate({ ...BASE, properties: { topicAlias: 3 } }, { protocolVersion: 5 });
  const others = [
    properties,
    Buffer.from([0x36, 0]),
    Buffer.from([0x32, 4, 0, 9, 0x61, 0]),
    Buffer.from([0x32, 3, 0, 1, 0x61]),
    Buffer.from([0x30, 0]),
  ];
  for (const bytes of [...others, generate({ cmd: 'pingreq' })]) expect(readPlainPublish(bytes, 5)).toBeUndefined();
});
