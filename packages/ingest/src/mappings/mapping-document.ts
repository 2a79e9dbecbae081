/**
 * A YAML file with places: every mistake is reported with the file and line it stands on. What a mapping file may hold is
 * said in `mapping-file.ts`; nothing here knows it.
 */
import { TocsinError } from '@tocsin/core';
import { load, YAMLException } from 'js-yaml';
import { type Document, isMap, isPair, isScalar, LineCounter, parseDocument } from 'yaml';

/** Where a value stands in a document: member names and indexes from the top. */
export type DocumentPath = readonly (string | number)[];

/** A parsed file. */
export interface MappingDocument {
  readonly path: string;
  readonly value: unknown;
  /** @throws mapping.bad_file always, naming the line of `at` */
  fail(at: DocumentPath, reason: string): never;
  /** An object at a place, its members among `known`. @throws mapping.bad_file naming an unknown member and the nearest known one */
  object(value: unknown, at: DocumentPath, known: readonly string[]): Readonly<Record<string, unknown>>;
}

/** Parses one file. @throws mapping.bad_file */
export function parseMappingDocument(file: MappingText): MappingDocument {
  // Places are found when there is something to say of one: reading with them takes ten times as long, at every start.
  const fail = (at: DocumentPath, reason: string): never => failAt(file, (document) => ({ offset: offsetOf(document, at), reason }));
  const value = readValue(file);
  return {
    path: file.path,
    value,
    fail,
    object: (given, at, known) => {
      if (typeof given !== 'object' || given === null || Array.isArray(given))
        return fail(at, `${nameOf(at)} must be a mapping of names to values`);
      for (const name of Object.keys(given)) {
        if (!known.includes(name)) fail([...at, name], `unknown key ${name}${hint(name, known)}`);
      }
      return given as Readonly<Record<string, unknown>>;
    },
  };
}

interface MappingText {
  readonly path: string;
  readonly text: string;
}

function readValue(file: MappingText): unknown {
  try {
    return file.text.trim() === '' ? null : load(file.text);
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    return failAt(file, (document) => {
      const problem = document.errors[0] ?? document.warnings[0];
      return {
        offset: problem?.pos[0] ?? error.mark?.position ?? 0,
        reason: (problem?.message ?? error.reason).split('\n')[0] ?? 'it is not YAML',
      };
    });
  }
}

/** Reads the file once more, with places. */
function failAt({ path, text }: MappingText, what: (document: Document) => { readonly offset: number; readonly reason: string }): never {
  const lines = new LineCounter();
  const { offset, reason } = what(parseDocument(text, { lineCounter: lines, prettyErrors: false }));
  throw new TocsinError('mapping.bad_file', { path, line: lines.linePos(offset).line, reason });
}

/** `; did you mean NAME?` where a known name is near, else the list of known names. */
export function hint(name: string, known: readonly string[]): string {
  const [nearest] = known.map((one) => ({ one, distance: editDistance(name, one) })).sort((a, b) => a.distance - b.distance);
  if (nearest !== undefined && nearest.distance <= Math.max(2, Math.floor(name.length / 3))) return `; did you mean ${nearest.one}?`;
  return known.length <= 24 ? `; known are ${known.join(', ')}` : '';
}

function nameOf(at: DocumentPath): string {
  return at.length === 0 ? 'the file' : at.join('.');
}

/** Offset of the key that names a value, of the value where it has none, or of the nearest thing around it. */
function offsetOf(document: Document, at: DocumentPath): number {
  for (let length = at.length; length > 0; length--) {
    const parent = length === 1 ? document.contents : document.getIn(at.slice(0, length - 1), true);
    const name = at[length - 1];
    const pair = isMap(parent) ? parent.items.find((item) => isPair(item) && isScalar(item.key) && item.key.value === name) : undefined;
    const node: unknown = pair?.key ?? document.getIn(at.slice(0, length), true);
    if (typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range)) return Number(node.range[0]);
  }
  return 0;
}

/** Levenshtein distance of two short names. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
