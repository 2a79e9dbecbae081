/** Small files that must be whole or not there at all, also after a loss of power. */
import { chmod, open, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Replaces a file, readable by its owner alone (0600). Once resolved, both its bytes and its name are on the disk; before, the former file stands. */
export async function writeDurably(path: string, text: string): Promise<void> {
  const fresh = `${path}.new`;
  await writeFile(fresh, text, { mode: 0o600, flush: true });
  // Where the file was there already its mode is not set by writing.
  await chmod(fresh, 0o600);
  await rename(fresh, path);
  await syncFolder(dirname(path));
}

/** A new name is on the disk only when its folder is. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
