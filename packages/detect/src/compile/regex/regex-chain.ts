/**
 * Expressions such as `a.*b.+c`: pieces in order with anything between them, which backtracking takes the square or cube of the text for. Placing
 * each piece as early as it can end, from left to right, decides the same in one pass; so every piece but the last is cut into variants of one length,
 * of which a native search finds the one that ends first. `.` stops at line ends: then a match is within one line, and each line is tried.
 */
import { areDisjoint, complement, oneChar } from './char-set.ts';
import { cheapNative } from './regex-cost.ts';
import type { RegexNode } from './regex-syntax.ts';

/** One of the ways in which a piece can stand, and where it was found last: what was searched once is not searched again. */
interface Variant {
  readonly regex: RegExp;
  /** Where the last search of this text began; -1 before the first. */
  searchedFrom: number;
  /** Where it was found, and where it ends; Infinity where it was not. */
  from: number;
  to: number;
}

/** A piece: the variants of which one must be found. */
type Piece = readonly Variant[];

const MAX_PIECES = 40;
const MAX_VARIANTS = 16;

/** Test for a flat list of parts with endless `.` between them; undefined where it is none, or a piece of it is not cheap. */
export function chainTest(parts: readonly RegexNode[]): ((text: string) => boolean) | undefined {
  const cut = cutAtGaps(parts);
  if (cut === undefined || cut.pieces.length > MAX_PIECES) return undefined;
  const last = cut.pieces.length - 1;
  const pieces = cut.pieces.map((piece, index) => compilePiece(piece, { isLast: index === last, withinLine: cut.withinLine }));
  if (!pieces.every((piece) => piece !== undefined)) return undefined;
  const test = cut.withinLine ? foundInLine : foundInOrder;
  return (text) => {
    for (const piece of pieces) for (const variant of piece) variant.searchedFrom = -1;
    return test(pieces, text);
  };
}

interface Cut {
  readonly pieces: readonly (readonly RegexNode[])[];
  readonly withinLine: boolean;
}

/** The parts between gaps; undefined where there is no gap, or gaps of two kinds. */
function cutAtGaps(parts: readonly RegexNode[]): Cut | undefined {
  const pieces: RegexNode[][] = [[]];
  const kinds = new Set<boolean>();
  for (const part of parts) {
    const kind = gapKind(part);
    const piece = pieces[pieces.length - 1] as RegexNode[];
    if (part.kind !== 'repeat' || kind === undefined) {
      piece.push(part);
      continue;
    }
    kinds.add(kind === 'line');
    if (part.least > 0) piece.push({ ...part, most: part.least });
    if (piece.length > 0) pieces.push([]);
  }
  if (kinds.size !== 1 || pieces.some((piece) => piece.length === 0)) return undefined;
  return { pieces, withinLine: kinds.has(true) };
}

const NOT_LINE_FEED = complement(oneChar(10));

function gapKind(part: RegexNode): 'any' | 'line' | undefined {
  if (part.kind !== 'repeat' || part.most !== Infinity || part.body.kind !== 'char') return undefined;
  const others = complement(part.body.set);
  if (others.length === 0) return 'any';
  return areDisjoint(others, NOT_LINE_FEED) ? 'line' : undefined;
}

function compilePiece(parts: readonly RegexNode[], { isLast, withinLine }: { isLast: boolean; withinLine: boolean }): Piece | undefined {
  const whole: RegexNode = { kind: 'sequence', parts };
  if (withinLine && takesLineFeed(whole)) return undefined;
  const variants = isLast ? [whole] : variantsOf(whole);
  if (variants === undefined || variants.some((variant) => lengthOf(variant) === 0)) return undefined;
  const piece: Variant[] = [];
  for (const variant of variants) {
    const regex = cheapNative(variant);
    if (regex === undefined) return undefined;
    piece.push({ regex, searchedFrom: -1, from: 0, to: 0 });
  }
  return piece;
}

function takesLineFeed(node: RegexNode): boolean {
  if (node.kind === 'char') return !areDisjoint(node.set, oneChar(10));
  if (node.kind === 'assert') return false;
  if (node.kind === 'repeat') return takesLineFeed(node.body);
  return (node.kind === 'sequence' ? node.parts : node.options).some(takesLineFeed);
}

/** Characters that the expression takes, where that is one number. */
function lengthOf(node: RegexNode): number | undefined {
  switch (node.kind) {
    case 'char':
      return 1;
    case 'assert':
      return 0;
    case 'sequence':
      return node.parts.map(lengthOf).reduce((sum, one) => (sum === undefined || one === undefined ? undefined : sum + one), 0);
    case 'choice':
      return node.options.map(lengthOf).reduce((same, one) => (same === one ? same : undefined));
    default: {
      const length = lengthOf(node.body);
      return length === undefined || node.least !== node.most ? undefined : length * node.least;
    }
  }
}

/** Expressions of one length each that together are the expression; undefined where they would be too many. */
function variantsOf(node: RegexNode): readonly RegexNode[] | undefined {
  if (lengthOf(node) !== undefined) return [node];
  if (node.kind === 'choice') return bounded(node.options.map(variantsOf));
  if (node.kind === 'repeat') {
    if (node.most - node.least >= MAX_VARIANTS || lengthOf(node.body) === undefined) return undefined;
    const counts = Array.from({ length: node.most - node.least + 1 }, (_, index) => node.least + index);
    return counts.map((count) => ({ ...node, least: count, most: count }));
  }
  if (node.kind !== 'sequence') return undefined;
  let sequences: readonly RegexNode[][] = [[]];
  for (const part of node.parts) {
    const variants = variantsOf(part);
    if (variants === undefined || sequences.length * variants.length > MAX_VARIANTS) return undefined;
    sequences = sequences.flatMap((before) => variants.map((variant) => [...before, variant]));
  }
  return sequences.map((parts) => ({ kind: 'sequence', parts }));
}

function bounded(lists: readonly (readonly RegexNode[] | undefined)[]): readonly RegexNode[] | undefined {
  const all: RegexNode[] = [];
  for (const list of lists) {
    if (list === undefined || all.length + list.length > MAX_VARIANTS) return undefined;
    all.push(...list);
  }
  return all;
}

interface Place {
  readonly from: number;
  readonly to: number;
}

/** The place of a piece from `at` on that ends first. `at` never goes back within a text. */
function earliest(piece: Piece, text: string, at: number): Place | undefined {
  let best: Variant | undefined;
  for (const variant of piece) {
    if (variant.searchedFrom < 0 || variant.from < at) search(variant, text, at);
    if (variant.to < (best?.to ?? Number.POSITIVE_INFINITY)) best = variant;
  }
  return best;
}

function search(variant: Variant, text: string, at: number): void {
  const { regex } = variant;
  regex.lastIndex = at;
  const found = regex.exec(text);
  variant.searchedFrom = at;
  variant.from = found === null ? Number.POSITIVE_INFINITY : found.index;
  variant.to = found === null ? Number.POSITIVE_INFINITY : regex.lastIndex;
}

function foundInOrder(pieces: readonly Piece[], text: string): boolean {
  let at = 0;
  for (const piece of pieces) {
    const place = earliest(piece, text, at);
    if (place === undefined) return false;
    at = place.to;
  }
  return true;
}

function foundInLine(pieces: readonly Piece[], text: string): boolean {
  let lineStart = 0;
  for (;;) {
    const jump = tryLine(pieces, text, lineStart);
    if (typeof jump === 'boolean') return jump;
    lineStart = jump;
  }
}

/** Whether the line has all pieces in order; else the start of the next line that can, or false where none is left. */
function tryLine(pieces: readonly Piece[], text: string, lineStart: number): boolean | number {
  const feed = text.indexOf('\n', lineStart);
  const lineEnd = feed < 0 ? text.length : feed;
  let at = lineStart;
  for (const piece of pieces) {
    const place = earliest(piece, text, at);
    // Nowhere behind, so in no later line either.
    if (place === undefined) return false;
    if (place.from > lineEnd) return text.lastIndexOf('\n', place.from - 1) + 1;
    at = place.to;
  }
  return true;
}
