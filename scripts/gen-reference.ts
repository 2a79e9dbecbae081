/** `npm run docs`: writes docs/reference from the sources. The pages are committed; `npm run check` fails when they differ. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { changedPages, referencePages } from './reference-pages.ts';
import { root } from './source-files.ts';

const changed = await changedPages();
const pages = await referencePages();
for (const path of changed) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), pages.get(path) ?? '');
  process.stdout.write(`wrote ${path}\n`);
}
if (changed.length === 0) process.stdout.write('docs/reference is up to date\n');
