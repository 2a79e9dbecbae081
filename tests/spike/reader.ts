/** The reader process: owns every partition. Run by processes.ts. */
import { type BatchPublisher, createBatchPublisher } from './batch-publisher.ts';
import { openConnection } from './connection.ts';
import { partitions } from './frame.ts';
import { runOwner } from './owner.ts';

const held: { publisher?: BatchPublisher } = {};
const { connection, ready } = await openConnection(process.argv[2] ?? '', () => held.publisher?.interrupt());
const publisher = createBatchPublisher(connection, `r${process.pid}-${Date.now().toString(36)}`);
held.publisher = publisher;
for (let partition = 0; partition < partitions; partition++) void runOwner({ partition, connection, publisher, ready });
process.on('disconnect', () => process.exit(0));
process.send?.({ ready: true });
