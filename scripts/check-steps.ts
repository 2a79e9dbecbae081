/** The steps of `npm run check`, in one table: name and how to run it. A step resolves with what is wrong; nothing wrong, nothing said. */
import { changedModules } from './build-wasm.ts';
import { checkBoundaries } from './check-boundaries.ts';
import { checkLockfile } from './check-lockfile.ts';
import { checkStyle } from './check-style.ts';
import { type Finding, findingText } from './finding.ts';
import { houseRuleOf } from './lint-rules.data.ts';
import { changedPages } from './reference-pages.ts';
import { runPackage } from './run-command.ts';

/** A check. `run` resolves with one text per thing wrong. */
export interface CheckStep {
  readonly name: string;
  readonly run: () => Promise<readonly string[]>;
}

/** Must come first: lint and the test sources read the declarations it writes. */
export const buildStep: CheckStep = { name: 'types', run: () => compiler(['-b']) };

/** Independent of one another. */
export const checkSteps: readonly CheckStep[] = [
  { name: 'format', run: format },
  { name: 'lint', run: lint },
  { name: 'types of tests and scripts', run: () => compiler(['-p', 'tsconfig.test.json']) },
  { name: 'boundaries', run: async () => checkBoundaries().map(findingText) },
  { name: 'style', run: async () => checkStyle().map(findingText) },
  { name: 'lockfile', run: async () => checkLockfile().map(findingText) },
  { name: 'generated docs', run: docs },
  { name: 'WebAssembly modules', run: changedModules },
];

/** Unit tests; `npm test` runs them with all others instead. */
export const unitStep: CheckStep = { name: 'unit tests', run: unitTests };

async function compiler(args: readonly string[]): Promise<string[]> {
  const { code, output } = await runPackage('typescript/bin/tsc', args);
  return code === 0 ? [] : [output.trim()];
}

/** Names the files only: the diff is what `npm run format` would do. */
async function format(): Promise<string[]> {
  const { code, output } = await runPackage('@biomejs/biome/bin/biome', ['check', '--colors=off', '--max-diagnostics=none', '.']);
  if (code === 0) return [];
  const files = new Set([...output.matchAll(/^(\S+?)(?::\d+:\d+)? (?:format|assist\/\S+|parse|lint\/\S+)\b/gm)].map((match) => match[1]));
  return files.size === 0 ? [output.trim()] : [...files].map((path) => `${path}  R1  is not formatted; type: npm run format`);
}

/** A diagnostic as oxlint prints it with `--format json`. */
interface LintDiagnostic {
  readonly message: string;
  readonly code: string;
  readonly filename: string;
  readonly labels: readonly { readonly span: { readonly line: number } }[];
}

async function lint(): Promise<string[]> {
  const { code, stdout, output } = await runPackage('oxlint/bin/oxlint', ['--type-aware', '--deny-warnings', '--format=json', '.']);
  if (code === 0) return [];
  if (!stdout.trimStart().startsWith('{')) return [output];
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: LintDiagnostic[] };
  return diagnostics.map((found) => findingText(lintFinding(found)));
}

function lintFinding({ message, code, filename, labels }: LintDiagnostic): Finding {
  return { path: filename, line: labels[0]?.span.line ?? 0, rule: houseRuleOf[code] ?? 17, message: `${code}: ${message}` };
}

async function docs(): Promise<string[]> {
  const changed = await changedPages();
  return changed.map((path) => `${path}  R20  is not what the sources say; type: npm run docs`);
}

async function unitTests(): Promise<string[]> {
  const { code, output } = await runPackage('vitest/vitest.mjs', ['run', '--project', 'unit', '--passWithNoTests', '--reporter=dot']);
  return code === 0 ? [] : [output.trim()];
}
