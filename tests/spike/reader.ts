/** The reader process: owns every partition. Run by processes.ts. */
import { type BatchPublisher, createBatchPublisher } from './batch-publisher.ts';
import { openConnection } from './connection.ts';
import { partitions } from './frame.ts';
import { runOwner } from './owner.ts';

let publisher: BatchPublisher | undefined;
const { connection, ready } = await openConnection(process.argv[2] ?? '', () => publisher?.interrupt());
publisher = createBatchPublisher(connection, `r${process.pid}-${Date.now().toString(36)}`);
for (let partition = 0; partition < partitions; partition++) void runOwner({ partition, connection, publisher, ready });
process.on('disconnect', () => process.exit(0));
process.send?.({ ready: true });
