/** Whether an installation still owes its demo: from its first start until the demo has been shown to its end, however often it was interrupted. */
import { access, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Notes that the demo is owed. */
export async function oweDemo(dataDir: string): Promise<void> {
  await writeFile(markOf(dataDir), 'The demo of the first start has not been shown to its end.\n', { mode: 0o600 });
}

/** Whether it is owed. */
export async function isDemoOwed(dataDir: string): Promise<boolean> {
  return access(markOf(dataDir)).then(
    () => true,
    () => false,
  );
}

/** Notes that it was shown. */
export async function settleDemo(dataDir: string): Promise<void> {
  await rm(markOf(dataDir), { force: true });
}

function markOf(dataDir: string): string {
  return join(dataDir, 'demo-owed');
}
