/**
 * A frame of one tenant put on the subject of another: what somebody with the key of ingest, or a fault in it, might do. Nobody may read it as an event of
 * that tenant. Written over raw NATS, with a frame that is in the log already.
 */
import type { BusAccess } from './bus-access.ts';
import { decodeFrame } from './frame-decoder.ts';
import { readStream } from './independent-reader.ts';
import { FOREIGN_TENANT, TRIGGER } from './planted-events.ts';

/** Stores it: the first frame that holds an event which makes an alert. @throws when it is not stored, or there is no such frame */
export async function plantForeignFrame(bus: BusAccess): Promise<void> {
  const reader = await bus.connect('api');
  let frame: { readonly subject: string; readonly data: Buffer } | undefined;
  for await (const stored of readStream(reader, 'EVENTS_LIVE')) if (frame === undefined && isTrigger(stored.data)) frame = stored;
  await reader.close();
  if (frame === undefined) throw new Error('there is no frame in the log that makes an alert');
  const subject = [...frame.subject.split('.').slice(0, 4), FOREIGN_TENANT].join('.');
  const writer = await bus.connect('ingest');
  const answer = await writer.request(subject, frame.data, { timeout: 5000 });
  await writer.close();
  const { seq, error } = JSON.parse(new TextDecoder().decode(answer.data)) as { seq?: number; error?: unknown };
  if (seq === undefined) throw new Error(`the foreign frame was not stored: ${JSON.stringify(error)}`);
}

function isTrigger(bytes: Buffer): boolean {
  return decodeFrame(bytes).events.some(({ record }) => Buffer.from(record).includes(TRIGGER));
}
