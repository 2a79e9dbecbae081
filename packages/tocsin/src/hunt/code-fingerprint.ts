/** What the code that makes kept things looks like: things made by another version are never mistaken for this one's. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Hash of the modules in folders of a package (each without its own folders), and of what runs them. 32 bytes. */
export function codeFingerprint(name: string, ...folders: readonly string[]): Buffer {
  const base = dirname(fileURLToPath(import.meta.resolve(name)));
  const hash = createHash('sha256').update(process.version);
  for (const folder of folders) {
    const path = join(base, folder);
    for (const entry of readdirSync(path).sort()) {
      if (/\.[jt]s$/.test(entry) && !/\.(?:test|d)\.ts$/.test(entry))
        hash.update(`${folder}/${entry}\n`).update(readFileSync(join(path, entry)));
    }
  }
  return hash.digest();
}
