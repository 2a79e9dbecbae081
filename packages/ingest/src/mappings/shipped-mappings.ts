/** The mapping files that Tocsin ships, read from this package's `mappings/` folder: the one place here that touches files. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { MappingText } from './mapping-set.ts';

/** The shipped files in order of their paths, which are relative to the package. @throws the operating system's error where the package is incomplete */
export function readShippedMappings(): MappingText[] {
  // `src/mappings` and `dist/mappings` lie equally deep in the package.
  const folder = fileURLToPath(new URL('../../mappings/', import.meta.url));
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.yml'))
    .sort()
    .map((name) => ({ path: `mappings/${name}`, text: readFileSync(`${folder}${name}`, 'utf8') }));
}
