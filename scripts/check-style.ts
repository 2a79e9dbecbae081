/** House rules that no linter knows: sizes, names, headers, doc comments, words, waivers. Cites the rules of CONTRIBUTING.md. */
import { basename, dirname } from 'node:path';
import type { Finding } from './finding.ts';
import { root, type SourceFile, sourceFiles } from './source-files.ts';

const MAX_LINES = 400;
const MAX_TEST_LINES = 800;
const TEST = /\.(test|bench)\.ts$|^tests\/|^packages\/[^/]+\/test\//;
const GOOD_NAME = /^[a-z0-9]+(-[a-z0-9]+)*(\.(test|broker\.test|data|bench|config|worker|d))*\.(ts|mjs)$/;
const BANNED_WORD = /^(.+-)?(utils?|helpers?|common|misc|manager|types|impl|stuff)$/;
const DECLARATION = /^export (?:declare )?(?:abstract )?(?:async )?(?:function\*?|class|interface|type|const|let) ([A-Za-z0-9_$]+)/;

/** A line that no file of some kind may hold. */
interface BannedLine {
  readonly rule: number;
  readonly pattern: RegExp;
  readonly message: string;
  readonly in: RegExp;
}

const SELF = '^(?!scripts/check-style\\.ts$)';
const BANNED_LINES: readonly BannedLine[] = [
  {
    rule: 11,
    pattern: /\b(TODO|FIXME|XXX|HACK)\b/,
    message: 'do it, or write an issue; the code keeps no wishes',
    in: new RegExp(`${SELF}.*\\.(ts|mjs|yml)$`),
  },
  {
    rule: 11,
    pattern: /(\/\/|\*).*\bfor now\b/i,
    message: '“for now” is for ever: say what holds',
    in: new RegExp(`${SELF}.*\\.(ts|mjs)$`),
  },
  {
    rule: 12,
    pattern: /\b(it|test|describe|suite)\.(skip|only|todo|fails|skipIf|runIf)\b/,
    message: 'a test that does not run is no test; leave it out at run time with a reason: context.skip(reason), or needs(reason)',
    in: /\.test\.ts$/,
  },
  {
    rule: 12,
    pattern: /\bvi\.(mock|doMock)\(/,
    message: 'no mocked modules: give the real thing, or a fake by argument',
    in: /\.test\.ts$/,
  },
  {
    rule: 13,
    pattern: /(^|[\s'"`(=:])\/(root|work|home\/[a-z]+|Users\/[a-z]+)\//,
    message: 'a path of one machine',
    in: new RegExp(`${SELF}(?!.*\\.test\\.ts$)(packages/[^/]+/src|scripts|docs|bench)/.*\\.(ts|mjs|md)$|^[A-Z]+\\.md$`),
  },
  {
    rule: 13,
    pattern: /registry\.npmjs\.org|files\.pythonhosted\.org|proxy\.golang\.org/,
    message: 'a registry’s address: it is configured, not written',
    in: new RegExp(`${SELF}.*\\.(ts|mjs|md|json|sh)$`),
  },
  {
    rule: 14,
    pattern: /\.catch\(\s*\(\w*\)\s*=>\s*(\{\s*\}|undefined|null)\s*\)/,
    message: 'an error swallowed: handle it, or let it pass',
    in: /\.(ts|mjs)$/,
  },
];

/** Every breach of the rules R2 and R8 to R16 that is read from text. */
export function checkStyle(from = root): Finding[] {
  const code = sourceFiles(/^(packages|scripts|tests|bench)\/.*\.(ts|mjs)$/, from);
  const all = sourceFiles(/\.(ts|mjs|md|yml|json|sh)$/, from);
  return [...code.flatMap(checkCode), ...all.flatMap(checkLines)];
}

/** Comments that switch a lint rule off, each with its rule number and reason: how many there are. */
export function countWaivers(): number {
  return sourceFiles(/^(packages|scripts|tests|bench)\/.*\.(ts|mjs)$/)
    .filter(({ path }) => path !== 'scripts/check-style.ts')
    .reduce((count, { text }) => count + text.split('oxlint-disable').length - 1, 0);
}

function checkCode(file: SourceFile): Finding[] {
  const isTest = TEST.test(file.path);
  return [
    ...checkSize(file, isTest),
    ...checkName(file),
    ...(isTest ? [] : [...checkHeader(file), ...checkDocs(file)]),
    ...checkIndex(file),
  ];
}

function checkSize({ path, text }: SourceFile, isTest: boolean): Finding[] {
  const lines = text.split('\n').length - 1;
  const most = isTest ? MAX_TEST_LINES : MAX_LINES;
  if (path.endsWith('.data.ts') || lines <= most) return [];
  return [{ path, line: 0, rule: 2, message: `${lines} lines, at most ${most}: split by reason to change` }];
}

function checkName({ path }: SourceFile): Finding[] {
  const findings: Finding[] = [];
  const name = basename(path);
  const words = [name.replace(/\..*$/, ''), ...dirname(path).split('/')];
  if (!GOOD_NAME.test(name)) findings.push({ path, line: 0, rule: 8, message: `${name} is not in kebab-case` });
  const banned = words.find((word) => BANNED_WORD.test(word));
  if (banned !== undefined) findings.push({ path, line: 0, rule: 8, message: `“${banned}” says nothing: name it after its main export` });
  return findings;
}

function checkHeader({ path, text }: SourceFile): Finding[] {
  if (basename(path) === 'index.ts' || /^(#![^\n]*\n)?\/\*\*?[^\n]*\S/.test(text)) return [];
  return [{ path, line: 1, rule: 9, message: 'begin with a paragraph: what lives here, what does not' }];
}

/** The header paragraph documents a file's only export. */
function checkDocs({ path, text }: SourceFile): Finding[] {
  if (path.endsWith('.data.ts') || basename(path) === 'index.ts') return [];
  const lines = text.split('\n');
  if (lines.filter((line) => DECLARATION.test(line)).length === 1) return [];
  const seen = new Set<string>();
  return lines.flatMap((line, i) => {
    const name = DECLARATION.exec(line)?.[1];
    if (name === undefined || seen.has(name)) return [];
    seen.add(name);
    let above = i - 1;
    // Constants that stand together share the comment above them.
    while (/^\s*(\/\/|@)|^export const [^\n]*;$/.test(lines[above] ?? '')) above--;
    if (/\*\/\s*$/.test(lines[above] ?? '')) return [];
    return [{ path, line: i + 1, rule: 10, message: `${name} is exported and has no doc comment` }];
  });
}

function checkIndex({ path, text }: SourceFile): Finding[] {
  if (basename(path) !== 'index.ts') return [];
  const rest = text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, '').replace(/export (type )?(\*|\{[^}]*\})( from '[^']+')?;/g, '');
  return rest.trim() === '' ? [] : [{ path, line: 1, rule: 8, message: 'index.ts only re-exports' }];
}

function checkLines({ path, text }: SourceFile): Finding[] {
  const banned = BANNED_LINES.filter((row) => row.in.test(path));
  return text.split('\n').flatMap((line, i) => {
    const findings: Finding[] = banned
      .filter(({ pattern }) => pattern.test(line))
      .map(({ rule, message }) => ({ path, line: i + 1, rule, message }));
    if (/oxlint-disable/.test(line) && /\.(ts|mjs)$/.test(path) && path !== 'scripts/check-style.ts' && !/-- R\d+: \S/.test(line)) {
      findings.push({
        path,
        line: i + 1,
        rule: 16,
        message: 'a waiver names the rule and the reason: oxlint-disable-next-line NAME -- R3: why',
      });
    }
    return findings;
  });
}
