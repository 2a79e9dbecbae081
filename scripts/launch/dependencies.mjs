/** Dependencies: `npm ci` when node_modules is missing or was made from another lockfile. A stamp inside node_modules says from which. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runNpm } from './run-tool.mjs';
import { again, networkTrouble, SetUpError } from './set-up-error.mjs';
import { readText, root, writeText } from './workspace.mjs';

const stamp = join(root, 'node_modules', '.tocsin-stamp');

/** Dependencies as the lockfile says. `ready()` is true where they are there; `make()` installs them. */
export const dependencies = {
  name: 'dependencies',
  doing: 'npm ci',
  ready: () => readText(stamp) === wanted(),
  async make() {
    // --include: NODE_ENV=production or omit=dev in the user's settings must not leave the compiler out.
    const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--include=dev', '--include=optional', '--loglevel=error'];
    const result = await runNpm(args);
    if (result.missing) {
      throw new SetUpError('npm is not on PATH; Tocsin gets its dependencies through it.', {
        type: `install Node.js with npm (https://nodejs.org), then: ${again}`,
      });
    }
    if (result.code !== 0) {
      const reason = networkTrouble(result.output) ?? `npm ci ended with ${result.code}`;
      throw new SetUpError(`the dependencies could not be installed: ${reason}.`, {
        why: result.output,
        type: `npm ci --ignore-scripts     (must work; then: ${again})`,
      });
    }
    writeText(stamp, wanted());
  },
};

function wanted() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  return `${process.platform}-${process.arch} ${lock}\n`;
}
