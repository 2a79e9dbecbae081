/** `npm run clean`: undoes the set-up. Recorded data stays unless `--data` is given, and then only the default folder goes. */
import { rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { SetUpError } from './set-up-error.mjs';
import { cache, fileStat, packageFolders, root } from './workspace.mjs';

/** Removes what set-up and build made. `--data` removes `tocsin-data` in the clone too. @throws SetUpError on any other argument */
export function clean(args) {
  const unknown = args.find((arg) => arg !== '--data');
  if (unknown !== undefined) {
    throw new SetUpError(`clean does not know ${unknown}; nothing was removed.`, { type: 'npm run clean  or  npm run clean -- --data' });
  }
  const made = packageFolders().flatMap((folder) => ['dist', 'node_modules', 'tsconfig.tsbuildinfo'].map((name) => join(folder, name)));
  made.push(...['node_modules', 'coverage', 'tsconfig.tsbuildinfo'].map((name) => join(root, name)), cache);
  if (args.includes('--data')) made.push(join(root, 'tocsin-data'));
  for (const path of made.filter((candidate) => fileStat(candidate) !== undefined)) {
    rmSync(path, { recursive: true, force: true });
    process.stderr.write(`removed ${relative(root, path)}\n`);
  }
}
