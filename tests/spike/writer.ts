/** The writer process: posts come in over IPC, go through the framer, and are answered once durable. Run by processes.ts. */
import { type BatchPublisher, createBatchPublisher } from './batch-publisher.ts';
import { openConnection } from './connection.ts';
import type { SpikeEvent } from './frame.ts';
import { createFramer } from './framer.ts';

/** Driver to writer, and back. `counts` answers `{ ask: "counts" }`. */
export type ToWriter = { readonly post: number; readonly events: readonly SpikeEvent[] } | { readonly ask: 'counts' };
export type FromWriter =
  | { readonly ready: true }
  | { readonly acked: number }
  | { readonly refused: number; readonly reason: string }
  | { readonly counts: { cycles: number; frames: number; resends: number }; readonly cpuMs: number };

const held: { publisher?: BatchPublisher } = {};
const { connection, ready } = await openConnection(process.argv[2] ?? '', () => held.publisher?.interrupt());
const publisher = createBatchPublisher(connection, `w${process.pid}-${Date.now().toString(36)}`);
held.publisher = publisher;
const framer = createFramer(publisher, ready, Number(process.argv[3] ?? 2));

process.on('message', (message: ToWriter) => {
  if ('ask' in message) {
    const { user, system } = process.cpuUsage();
    reply({ counts: framer.counts, cpuMs: (user + system) / 1000 });
    return;
  }
  framer.post(message.events).then(
    () => reply({ acked: message.post }),
    (error: Error) => reply({ refused: message.post, reason: error.message }),
  );
});
process.on('disconnect', () => process.exit(0));
reply({ ready: true });

function reply(message: FromWriter): void {
  process.send?.(message);
}
