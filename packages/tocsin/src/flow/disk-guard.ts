/** Watches the room on the disk of the data folder: below the reserve events are refused before the bus runs into the end of the disk. */
import { statfs } from 'node:fs/promises';
import { TocsinError } from '@tocsin/core';

/** The guard; disposing ends it. */
export interface DiskGuard extends Disposable {
  /** @throws flow.disk_low */
  gate(): void;
  readonly freeBytes: number | undefined;
}

const LOOK_EVERY_MS = 250;
const RETRY_AFTER_MS = 1000;

/** Watches the disk of a folder until disposed. Where it cannot be asked, nothing is refused. */
export async function openDiskGuard(folder: string, reserveBytes: number, onTrouble: (error: unknown) => void): Promise<DiskGuard> {
  let freeBytes: number | undefined;
  let told = false;
  const look = async (): Promise<void> => {
    try {
      const { bavail, bsize } = await statfs(folder);
      freeBytes = bavail * bsize;
    } catch (error) {
      freeBytes = undefined;
      if (!told) onTrouble(error);
      told = true;
    }
  };
  await look();
  const timer = setInterval(() => void look(), LOOK_EVERY_MS);
  timer.unref();
  return {
    get freeBytes() {
      return freeBytes;
    },
    gate() {
      if (freeBytes !== undefined && freeBytes < reserveBytes)
        throw new TocsinError('flow.disk_low', { freeBytes, reserveBytes, retryAfterMs: RETRY_AFTER_MS });
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
