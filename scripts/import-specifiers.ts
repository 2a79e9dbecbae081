/** Reads what a TypeScript file imports, without a compiler: import and export-from statements, `import()` of a literal. */

/** A module named by a statement, and the statement's first line (from 1). */
export interface ImportSpecifier {
  readonly specifier: string;
  readonly line: number;
}

const STATEMENTS = [
  /^[ \t]*(?:import|export)\b[^'"`;=()]*?\bfrom\s*['"]([^'"\n]+)['"]/gm,
  /^[ \t]*import\s*['"]([^'"\n]+)['"]/gm,
  /\bimport\(\s*['"]([^'"\n]+)['"]/g,
  /\brequire\(\s*['"]([^'"\n]+)['"]/g,
];

/** Every specifier in the text, in order. Text inside comments does not count. */
export function importSpecifiers(text: string): ImportSpecifier[] {
  const code = blankComments(text);
  return STATEMENTS.flatMap((statement) =>
    [...code.matchAll(statement)].map((match) => ({ specifier: match[1] ?? '', line: lineAt(code, match) })),
  ).sort((a, b) => a.line - b.line);
}

function lineAt(text: string, match: RegExpExecArray): number {
  const start = match.index + (/^\s*/.exec(match[0])?.[0].length ?? 0);
  return text.slice(0, start).split('\n').length;
}

/** Comments replaced by blanks, line ends kept; quotes are honoured so that `'//'` is no comment. */
function blankComments(text: string): string {
  const token = /\/\*[\s\S]*?\*\/|(?<=^|[\s;{}(),])\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/g;
  return text.replace(token, (found) => (found.startsWith('/') ? found.replace(/[^\n]/g, ' ') : found));
}
