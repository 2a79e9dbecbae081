/** The build: `tsc -b` when a source, a tsconfig or the compiler differs from the last build that went through. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runTool } from './run-tool.mjs';
import { SetUpError } from './set-up-error.mjs';
import { cache, fileStat, packageFolders, readText, root, toolEnvironment, writeText } from './workspace.mjs';

const stamp = join(cache, 'build.stamp');

/** JavaScript in every package's dist. `ready()` is true where it is as new as the sources; `make(nodeBin)` compiles. */
export const build = {
  name: 'build',
  doing: 'tsc -b',
  ready: () => packageFolders().every((folder) => fileStat(join(folder, 'dist', '.tsbuildinfo'))) && readText(stamp) === fingerprint(),
  async make(nodeBin) {
    const before = fingerprint();
    const result = await runTool(nodeBin, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-b'], {
      env: toolEnvironment(),
    });
    if (result.code !== 0) {
      throw new SetUpError('the sources do not compile; nothing was started.', {
        why: result.output,
        type: 'npm run build     (once they are corrected)',
      });
    }
    writeText(stamp, before);
  },
};

/** Hash over name, size and time of everything the compiler reads: cheap, and wrong only towards building once too often. */
function fingerprint() {
  const hash = createHash('sha256');
  const add = (path) => {
    const stat = fileStat(path);
    if (stat !== undefined) hash.update(`${path}\0${stat.size}\0${stat.mtimeMs}\n`);
  };
  for (const name of ['tsconfig.json', 'tsconfig.base.json']) add(join(root, name));
  hash.update(readFileSync(join(root, 'package-lock.json')));
  for (const folder of packageFolders()) {
    for (const name of ['package.json', 'tsconfig.json']) add(join(folder, name));
    for (const path of sources(join(folder, 'src'))) add(path);
  }
  return `${hash.digest('hex')}\n`;
}

function* sources(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* sources(path);
    else if (!/\.(test|bench)\.ts$/.test(entry.name)) yield path;
  }
}
