/**
 * The lockfile, for everybody's platform: each package's optional dependencies are all in it (npm drops those it could not see and then
 * `npm ci` refuses the lockfile elsewhere), no registry addresses, exact versions.
 */
import type { Finding } from './finding.ts';
import { readJson, root, sourceFiles } from './source-files.ts';

/** One entry of `packages` in package-lock.json. */
interface LockEntry {
  readonly version?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly integrity?: string;
  readonly optionalDependencies?: Record<string, string>;
}

const path = 'package-lock.json';

/** Every breach of rule R19. */
export function checkLockfile(from = root): Finding[] {
  const { packages } = readJson<{ packages: Record<string, LockEntry> }>(path, from);
  const complain = (message: string): Finding => ({ path, line: 0, rule: 19, message });
  const findings: Finding[] = [];
  for (const [place, entry] of Object.entries(packages)) {
    for (const name of Object.keys(entry.optionalDependencies ?? {})) {
      if (!isFound(place, name, packages))
        findings.push(complain(`${place} wants ${name}, which is not locked: pin ${place} to a version all of whose platforms are served`));
    }
    if (entry.resolved !== undefined && /^[a-z+]+:/.test(entry.resolved))
      findings.push(complain(`${place} names an address: keep omit-lockfile-registry-resolved in .npmrc`));
    if (place.startsWith('node_modules/') && entry.link !== true && entry.integrity === undefined)
      findings.push(complain(`${place} has no integrity hash`));
  }
  return [...findings, ...checkExact(from)];
}

/** Whether a package is locked where `place` would find it: in its own node_modules or any above. */
function isFound(place: string, name: string, packages: Record<string, LockEntry>): boolean {
  for (let at = place; ; at = at.slice(0, Math.max(0, at.lastIndexOf('node_modules') - 1))) {
    if (Object.hasOwn(packages, at === '' ? `node_modules/${name}` : `${at}/node_modules/${name}`)) return true;
    if (at === '' || !at.includes('node_modules')) return Object.hasOwn(packages, `node_modules/${name}`);
  }
}

function checkExact(from: string): Finding[] {
  return sourceFiles(/^(packages\/[^/]+\/)?package\.json$/, from).flatMap((file) => {
    const manifest = JSON.parse(file.text) as Record<string, Record<string, string> | undefined>;
    const all = { ...manifest['dependencies'], ...manifest['devDependencies'], ...manifest['optionalDependencies'] };
    return Object.entries(all)
      .filter(([, version]) => !/^\d+\.\d+\.\d+/.test(version))
      .map(([name, version]) => ({ path: file.path, line: 0, rule: 19, message: `${name} ${version} is no exact version` }));
  });
}
