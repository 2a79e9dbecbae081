/**
 * Rule files as YAML: cut into documents first, so that a mistake in one leaves the others readable, then each loaded on its own
 * within bounds of size, depth and aliases. Positions of parts are looked up only when something is to be refused.
 */
import { load, YAMLException } from 'js-yaml';
import { isMap, isNode, isPair, isSeq, LineCounter, parseDocument } from 'yaml';
import { type DocumentPath, RuleFault } from './rule-fault.ts';
import { countValues } from './yaml-map.ts';

/** One document of a rule file. `line` is that of its first line in the file, from 1. */
export interface RuleDocument {
  readonly text: string;
  readonly line: number;
}

/** Line and column from 1. */
export interface TextPlace {
  readonly line: number;
  readonly column: number;
}

const MAX_DOCUMENT_CHARS = 1024 * 1024;
/** Larger documents are not parsed a second time, with positions, which takes ten times as long. */
const MAX_LOCATED_CHARS = 20_000;
const MAX_DEPTH = 24;
const MAX_ALIASES = 50;
/** Keys a document may have by the look of it: a rule has a few hundred, and reading tens of thousands takes longer than a refusal may. */
const MAX_KEYS = 8000;
/** Nodes a document may have once its aliases are followed: 50 aliases can still square or cube a document's size. */
const MAX_NODES = 100_000;

/** Documents of a file. A line of `---` always separates: YAML 1.2 lets no scalar contain one at its start. */
export function splitDocuments(text: string): RuleDocument[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
  const documents: RuleDocument[] = [];
  let start = 0;
  const close = (end: number): void => {
    const body = lines.slice(start, end);
    if (body.some((line) => line.trim() !== '' && !line.trimStart().startsWith('#')))
      documents.push({ text: body.join('\n'), line: start + 1 });
    start = end + 1;
  };
  lines.forEach((line, index) => {
    if (/^(---|\.\.\.)(\s|$)/.test(line)) {
      close(index);
      // `--- text` opens a document on the same line: keep what follows the marker.
      const rest = line.slice(3);
      if (rest.trim() !== '' && !rest.trimStart().startsWith('#')) {
        lines[index] = `   ${rest}`;
        start = index;
      }
    }
  });
  close(lines.length);
  return documents;
}

/** Value of a document. @throws RuleFault detect.bad_yaml, and the place where YAML ended */
export function loadDocument(document: RuleDocument): unknown {
  if (document.text.length > MAX_DOCUMENT_CHARS)
    throw new RuleFault('detect.bad_yaml', `it is longer than ${MAX_DOCUMENT_CHARS} characters`, []);
  if (looksLikeMoreKeys(document.text, MAX_KEYS))
    throw new RuleFault('detect.bad_yaml', `it has more than ${MAX_KEYS} keys, or values that look like keys (a colon and a blank)`, []);
  try {
    const value = load(document.text, { maxDepth: MAX_DEPTH, maxAliases: MAX_ALIASES });
    if (countValues(value, MAX_NODES) > MAX_NODES)
      throw new RuleFault('detect.bad_yaml', `it has more than ${MAX_NODES} values once aliases are followed`, []);
    return value;
  } catch (error) {
    if (error instanceof YAMLException)
      throw new YamlFault(error.reason, { line: (error.mark?.line ?? 0) + 1, column: (error.mark?.column ?? 0) + 1 });
    throw error;
  }
}

function looksLikeMoreKeys(text: string, most: number): boolean {
  const colons = /:(?:\s|$)/g;
  for (let count = 0; count <= most; count++) if (!colons.test(text)) return false;
  return true;
}

/** A fault of YAML itself, which knows its place in the document. */
export class YamlFault extends RuleFault {
  readonly place: TextPlace;

  constructor(reason: string, place: TextPlace) {
    super('detect.bad_yaml', reason, []);
    this.place = place;
  }
}

/** Place of a part of a document, or of the nearest part around it that is there; in a large one, that can be found without reading it again. */
export function locate(document: RuleDocument, path: DocumentPath): TextPlace {
  if (document.text.length > MAX_LOCATED_CHARS) return locateByLines(document, path);
  const counter = new LineCounter();
  let part: Part = {
    node: parseDocument(document.text, { lineCounter: counter, logLevel: 'silent', uniqueKeys: false }).contents,
    offset: 0,
  };
  part = { ...part, offset: startOf(part.node) ?? 0 };
  for (const step of path) {
    const next = stepInto(part, step);
    if (next === undefined) break;
    part = next;
  }
  const place = counter.linePos(part.offset);
  return { line: Math.max(1, place.line) + document.line - 1, column: Math.max(1, place.col) };
}

/** Follows the keys of a path down the lines that begin with them: good for the maps written one key to a line, as all large rules are. */
function locateByLines({ text, line }: RuleDocument, path: DocumentPath): TextPlace {
  const lines = text.split('\n');
  let place: TextPlace = { line, column: 1 };
  let at = 0;
  let indent = -1;
  for (const step of path) {
    const isKey = (written: string): boolean => written.trimStart().replace(/^["']/, '').startsWith(String(step));
    const isBelow = (written: string): boolean => written.length - written.trimStart().length > indent;
    const found = lines.findIndex((written, index) => index >= at && isKey(written) && isBelow(written));
    if (found < 0) return place;
    indent = (lines[found] as string).search(/\S/);
    place = { line: line + found, column: indent + 1 };
    at = found + 1;
  }
  return place;
}

interface Part {
  readonly node: unknown;
  readonly offset: number;
}

function stepInto({ node, offset }: Part, step: string | number): Part | undefined {
  if (isSeq(node)) {
    const item = node.items[Number(step)];
    return isNode(item) ? { node: item, offset: startOf(item) ?? offset } : undefined;
  }
  if (!isMap(node)) return undefined;
  const pair = node.items.find((item) => isPair(item) && String(isNode(item.key) ? item.key.toJSON() : item.key) === String(step));
  return pair === undefined ? undefined : { node: pair.value, offset: startOf(pair.key) ?? offset };
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? node.range?.[0] : undefined;
}
