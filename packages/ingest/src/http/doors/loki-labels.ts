/** Labels of a Loki stream as its agents write them: `{app="web", env="prod\n"}`. Linear in the text, bounded in labels. */

/** Most labels of a stream. */
const MAX_LABELS = 100;
const LABEL = /\s*([a-zA-Z_][a-zA-Z0-9_.:]*)\s*=\s*("(?:[^"\\]|\\.)*"|`[^`]*`)\s*(,|\})/sy;

/** Names and values; undefined where the text is none. Values in Go's quotes: the escapes they share with JSON, and `\xNN` no. */
export function parseLokiLabels(text: string): readonly (readonly [string, string])[] | undefined {
  const open = /^\s*\{\s*(\}\s*$)?/.exec(text);
  if (open === null) return undefined;
  if (open[1] !== undefined) return [];
  const labels: [string, string][] = [];
  let at = open[0].length;
  while (labels.length < MAX_LABELS) {
    LABEL.lastIndex = at;
    const found = LABEL.exec(text);
    if (found === null) return undefined;
    const value = unquote(found[2] ?? '');
    if (value === undefined) return undefined;
    labels.push([found[1] ?? '', value]);
    at = LABEL.lastIndex;
    if (found[3] === '}') return text.slice(at).trim() === '' ? labels : undefined;
  }
  return undefined;
}

function unquote(quoted: string): string | undefined {
  if (quoted.startsWith('`')) return quoted.slice(1, -1);
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return undefined; // an escape or a control character that JSON does not have
  }
}
