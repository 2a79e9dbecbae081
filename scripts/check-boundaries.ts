/**
 * Package boundaries, over import specifiers: imports ⊆ declared dependencies, declared graph = the table "Packages" in ARCHITECTURE.md,
 * no cycles, no deep imports, core and detect pure. TypeScript 7 has no JavaScript API, so statements are read by a small pattern.
 */
import { builtinModules } from 'node:module';
import { dirname, join, normalize } from 'node:path';
import type { Finding } from './finding.ts';
import { importSpecifiers } from './import-specifiers.ts';
import { readJson, root, type SourceFile, sourceFiles } from './source-files.ts';

const SCOPE = '@tocsin/';
const PURE = ['core', 'detect'];
const TEST = /\.(test|bench)\.ts$|\/fixtures\/|^packages\/[^/]+\/test\//;

/** The parts of a package.json that boundaries are about. */
interface Manifest {
  readonly dependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
  readonly peerDependencies?: Record<string, string>;
  readonly exports?: Record<string, unknown>;
}

/** Everything a specifier is judged by. */
interface Workspace {
  readonly manifests: ReadonlyMap<string, Manifest>;
  readonly rootDev: ReadonlySet<string>;
}

/** Every breach of the rules R4 to R7. */
export function checkBoundaries(from = root): Finding[] {
  const manifests = new Map(packageNames(from).map((name) => [name, readJson<Manifest>(`packages/${name}/package.json`, from)]));
  const rootDev = new Set(Object.keys(readJson<Manifest>('package.json', from).devDependencies ?? {}));
  const workspace = { manifests, rootDev };
  const files = sourceFiles(/^packages\/[^/]+\/(src|test)\/.*\.ts$/, from);
  return [...checkGraph(manifests, from), ...files.flatMap((file) => checkFile(file, workspace))];
}

function packageNames(from: string): string[] {
  return sourceFiles(/^packages\/[^/]+\/package\.json$/, from).map(({ path }) => path.split('/')[1] ?? '');
}

function checkGraph(manifests: ReadonlyMap<string, Manifest>, from: string): Finding[] {
  const table = architectureTable(from);
  const findings: Finding[] = [];
  for (const [name, manifest] of manifests) {
    const declared = siblings(manifest).join(', ');
    const allowed = table.get(name);
    const path = `packages/${name}/package.json`;
    if (allowed === undefined) {
      findings.push({
        path,
        line: 0,
        rule: 4,
        message: `${name} is not in the table "Packages" of ARCHITECTURE.md; add it with a decision record`,
      });
    } else if (declared !== allowed.join(', ')) {
      const message = `depends on [${declared}], and ARCHITECTURE.md allows [${allowed.join(', ')}]; change the one that is wrong`;
      findings.push({ path, line: 0, rule: 4, message });
    }
    const references = tsconfigReferences(name, from).join(', ');
    if (references !== declared) {
      findings.push({
        path: `packages/${name}/tsconfig.json`,
        line: 0,
        rule: 4,
        message: `references [${references}], and package.json depends on [${declared}]`,
      });
    }
  }
  return [...findings, ...checkCycles(manifests)];
}

/** Rows `| package | may import | …` of ARCHITECTURE.md. */
function architectureTable(from: string): Map<string, string[]> {
  const text = sourceFiles(/^ARCHITECTURE\.md$/, from)[0]?.text ?? '';
  const rows = text.slice(Math.max(0, text.indexOf('| package | may import |'))).split('\n\n')[0] ?? '';
  const table = new Map<string, string[]>();
  for (const row of rows.split('\n').slice(2)) {
    const [, name = '', imports = ''] = row.split('|').map((cell) => cell.trim());
    table.set(
      name,
      imports
        .split(/[,\s]+/)
        .filter((word) => /^[a-z]+$/.test(word))
        .sort(),
    );
  }
  return table;
}

function tsconfigReferences(name: string, from: string): string[] {
  const { references = [] } = readJson<{ references?: { path: string }[] }>(`packages/${name}/tsconfig.json`, from);
  return references.map(({ path }) => path.replace('../', '')).sort();
}

function siblings(manifest: Manifest): string[] {
  const all = { ...manifest.dependencies, ...manifest.peerDependencies, ...manifest.optionalDependencies };
  return Object.keys(all)
    .filter((name) => name.startsWith(SCOPE))
    .map((name) => name.slice(SCOPE.length))
    .sort();
}

/** Packages left once everything that depends only on removed ones is removed, again and again, stand in a cycle. */
function checkCycles(manifests: ReadonlyMap<string, Manifest>): Finding[] {
  const left = new Map([...manifests].map(([name, manifest]) => [name, siblings(manifest)]));
  for (let before = -1; before !== left.size; ) {
    before = left.size;
    for (const [name, needs] of left) if (!needs.some((need) => left.has(need))) left.delete(name);
  }
  return [...left.keys()].map((name) => ({
    path: `packages/${name}/package.json`,
    line: 0,
    rule: 4,
    message: `${name} depends on itself through others`,
  }));
}

function checkFile(file: SourceFile, workspace: Workspace): Finding[] {
  const findings: Finding[] = [];
  for (const { specifier, line } of importSpecifiers(file.text)) {
    const problem = specifier.startsWith('.') ? relativeProblem(file, specifier) : bareProblem(file, specifier, workspace);
    if (problem !== undefined) findings.push({ path: file.path, line, ...problem });
  }
  return findings;
}

/** A rule broken and how. */
type Problem = Pick<Finding, 'rule' | 'message'>;

function relativeProblem(file: SourceFile, specifier: string): Problem | undefined {
  if (!specifier.endsWith('.ts')) return { rule: 7, message: `'${specifier}' must end in .ts, the file's real name` };
  const home = file.path
    .split('/')
    .slice(0, TEST.test(file.path) ? 2 : 3)
    .join('/');
  const target = normalize(join(dirname(file.path), specifier)).replaceAll('\\', '/');
  if (!target.startsWith(`${home}/`)) return { rule: 7, message: `'${specifier}' leaves the package; import another package by its name` };
  return undefined;
}

function bareProblem(file: SourceFile, specifier: string, { manifests, rootDev }: Workspace): Problem | undefined {
  const home = file.path.split('/')[1] ?? '';
  const isTest = TEST.test(file.path);
  if (specifier.startsWith('node:') || builtinModules.includes(specifier)) return builtinProblem(specifier, home, isTest);
  const parts = specifier.split('/');
  const name = parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/');
  const isDeclared = name === `${SCOPE}${home}` || declaredBy(manifests.get(home) ?? {}, isTest).has(name) || (isTest && rootDev.has(name));
  if (!isDeclared) return { rule: 5, message: `'${name}' is not a declared dependency of ${home}` };
  return name.startsWith(SCOPE) ? deepImport(specifier, name, manifests) : undefined;
}

function builtinProblem(specifier: string, home: string, isTest: boolean): Problem | undefined {
  if (!specifier.startsWith('node:')) return { rule: 6, message: `write 'node:${specifier}'` };
  if (isTest || !PURE.includes(home)) return undefined;
  return { rule: 6, message: `${home} is pure and may not import '${specifier}'; take what it gives as an argument` };
}

function declaredBy(manifest: Manifest, isTest: boolean): Set<string> {
  const tables = [manifest.dependencies, manifest.peerDependencies, manifest.optionalDependencies, isTest ? manifest.devDependencies : {}];
  return new Set(tables.flatMap((table) => Object.keys(table ?? {})));
}

function deepImport(specifier: string, name: string, manifests: ReadonlyMap<string, Manifest>): Problem | undefined {
  const exported = manifests.get(name.slice(SCOPE.length))?.exports ?? {};
  const subpath = `.${specifier.slice(name.length)}`;
  return Object.hasOwn(exported, subpath) ? undefined : { rule: 7, message: `'${specifier}' is not exported by ${name}` };
}
