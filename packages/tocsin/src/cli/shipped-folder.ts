/** Folders that come with Tocsin beside its packages: rules and the demo's recordings. */
import { fileURLToPath } from 'node:url';

/** Path of a folder at the root of the distribution. The same from sources and from the build: both lie equally deep. */
export function shippedFolder(name: 'rules' | 'examples/attacks'): string {
  return fileURLToPath(new URL(`../../../../${name}`, import.meta.url));
}
