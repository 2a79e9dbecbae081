/**
 * Builds the tables of one automaton (Aho and Corasick 1975, every transition filled in) or trie. A needle is followed only until it is
 * alone, with a few bytes more: the machine compares the rest. That keeps tables small, and lets rare bytes share a class.
 */
import { byteText } from './byte-text.ts';

/** A needle by number, in the order its bytes are read. */
export interface AutomatonNeedle {
  readonly needle: number;
  readonly bytes: Uint8Array;
}

/** What an accepting state reports: its own needles, and the next accepting state among its suffixes (-1: none). */
export interface AutomatonOutput {
  readonly needles: readonly number[];
  readonly next: number;
}

/** Tables. State s on class c goes to `table[64 * s + c]`; states from `accept` on report `outputs[s - accept]`. */
export interface Automaton {
  readonly classes: Uint8Array;
  readonly table: Uint16Array;
  readonly accept: number;
  readonly root: number;
  /** State without a way out, -1 in an automaton that never ends. */
  readonly trap: number;
  readonly outputs: readonly AutomatonOutput[];
  /** Needle → bytes read when it is reported. */
  readonly reported: ReadonlyMap<number, number>;
}

const MAX_STATES = 65_000;
const MAX_CLASSES = 64;
const TRAP = 0xffff;
/** Bytes followed at least, and at most: the first pair whose states fit. */
const CUTS: readonly (readonly [number, number])[] = [
  [6, 64],
  [5, 12],
  [4, 5],
  [3, 3],
  [2, 2],
];

/** Automaton that finds needles anywhere (`inside`), or trie that follows them from where it begins (`along`). */
export function buildAutomaton(needles: readonly AutomatonNeedle[], kind: 'inside' | 'along'): Automaton {
  const classes = classesOf(needles);
  const texts = needles
    .map(({ needle, bytes }) => ({ needle, text: byteText(bytes.map((byte) => classes[byte] as number)) }))
    .sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0));
  for (const [least, most] of CUTS) {
    const trie = buildTrie(texts, least, most);
    if (trie !== undefined) return fill(trie, classes, kind);
  }
  throw new RangeError('needles of two bytes cannot need more states than there are');
}

/** Class of each byte; 0 for bytes of no needle. Where there are too many, the rarest share one. */
function classesOf(needles: readonly AutomatonNeedle[]): Uint8Array {
  const counts = new Array<number>(256).fill(0);
  for (const { bytes } of needles) for (const byte of bytes) counts[byte] = (counts[byte] as number) + 1;
  const used = counts
    .flatMap((count, byte) => (count > 0 ? [byte] : []))
    .sort((a, b) => (counts[b] as number) - (counts[a] as number) || a - b);
  const classes = new Uint8Array(256);
  for (const [index, byte] of used.entries()) classes[byte] = Math.min(index + 1, MAX_CLASSES - 1);
  return classes;
}

interface SortedText {
  readonly needle: number;
  readonly text: string;
}

interface Trie {
  readonly firstChild: number[];
  readonly nextSibling: number[];
  readonly label: number[];
  readonly needles: (number[] | undefined)[];
  readonly reported: Map<number, number>;
}

/** Trie of the texts, cut where nothing branches any more; undefined where it has too many states. */
function buildTrie(texts: readonly SortedText[], least: number, most: number): Trie | undefined {
  const trie: Trie = { firstChild: [0], nextSibling: [0], label: [0], needles: [undefined], reported: new Map() };
  const path = [0];
  let previous = '';
  let shared = 0;
  for (const [index, { needle, text }] of texts.entries()) {
    const next = texts[index + 1]?.text ?? '';
    const sharedNext = sharedLength(text, next);
    const length = Math.min(text.length, most, Math.max(least, shared + 1, sharedNext + 1));
    let depth = Math.min(sharedLength(previous, text), path.length - 1, length);
    for (; depth < length; depth++) path[depth + 1] = addChild(trie, path[depth] as number, text.charCodeAt(depth));
    path.length = length + 1;
    const node = path[length] as number;
    const known = trie.needles[node];
    if (known === undefined) trie.needles[node] = [needle];
    else known.push(needle);
    trie.reported.set(needle, length);
    if (trie.label.length > MAX_STATES) return undefined;
    previous = text;
    shared = sharedNext;
  }
  return trie;
}

function sharedLength(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  let length = 0;
  while (length < most && a.charCodeAt(length) === b.charCodeAt(length)) length++;
  return length;
}

/** Texts come sorted, so that a child with this label can only be the one added last. */
function addChild(trie: Trie, parent: number, label: number): number {
  const last = trie.firstChild[parent] as number;
  if (last !== 0 && trie.label[last] === label) return last;
  const node = trie.label.length;
  trie.label.push(label);
  trie.needles.push(undefined);
  trie.firstChild.push(0);
  trie.nextSibling.push(last);
  trie.firstChild[parent] = node;
  return node;
}

function fill(trie: Trie, classes: Uint8Array, kind: 'inside' | 'along'): Automaton {
  const order = breadthFirst(trie);
  const fail = kind === 'inside' ? failures(trie, order) : new Int32Array(order.length);
  const next = acceptingBelow(trie, order, fail);
  const accepts = (node: number): boolean => trie.needles[node] !== undefined || (next[node] as number) >= 0;
  const states = [...order.filter((node) => !accepts(node)), ...order.filter(accepts)];
  const stateOf = new Int32Array(order.length);
  for (const [state, node] of states.entries()) stateOf[node] = state;
  const accept = states.findIndex(accepts);
  const table = fillTable(trie, { order, stateOf, fail, kind });
  return {
    classes,
    table,
    accept,
    root: stateOf[0] as number,
    trap: kind === 'inside' ? -1 : TRAP,
    outputs: states.slice(accept).map((node) => ({
      needles: trie.needles[node] ?? [],
      next: (next[node] as number) < 0 ? -1 : (stateOf[next[node] as number] as number),
    })),
    reported: trie.reported,
  };
}

function breadthFirst(trie: Trie): number[] {
  const order = [0];
  for (let i = 0; i < order.length; i++) order.push(...childrenOf(trie, order[i] as number));
  return order;
}

function childrenOf(trie: Trie, node: number): number[] {
  const children: number[] = [];
  for (let child = trie.firstChild[node] as number; child !== 0; child = trie.nextSibling[child] as number) children.push(child);
  return children;
}

/** Longest proper suffix of each node that is a node too. */
function failures(trie: Trie, order: readonly number[]): Int32Array {
  const fail = new Int32Array(order.length);
  const step = new Map<number, number>();
  for (const node of order) for (const child of childrenOf(trie, node)) step.set(node * MAX_CLASSES + (trie.label[child] as number), child);
  for (const node of order) {
    for (const child of childrenOf(trie, node)) {
      if (node === 0) continue;
      let suffix = fail[node] as number;
      const label = trie.label[child] as number;
      while (suffix !== 0 && !step.has(suffix * MAX_CLASSES + label)) suffix = fail[suffix] as number;
      fail[child] = step.get(suffix * MAX_CLASSES + label) ?? 0;
    }
  }
  return fail;
}

/** Nearest accepting node among the suffixes of each node, -1 where none. */
function acceptingBelow(trie: Trie, order: readonly number[], fail: Int32Array): Int32Array {
  const next = new Int32Array(order.length).fill(-1);
  for (const node of order) {
    if (node === 0) continue;
    const suffix = fail[node] as number;
    next[node] = suffix !== 0 && trie.needles[suffix] !== undefined ? suffix : (next[suffix] as number);
  }
  return next;
}

interface TableParts {
  readonly order: readonly number[];
  readonly stateOf: Int32Array;
  readonly fail: Int32Array;
  readonly kind: 'inside' | 'along';
}

function fillTable(trie: Trie, { order, stateOf, fail, kind }: TableParts): Uint16Array {
  const width = MAX_CLASSES;
  const table = new Uint16Array(order.length * width);
  const root = stateOf[0] as number;
  for (const node of order) {
    const row = (stateOf[node] as number) * width;
    if (kind === 'along') table.fill(TRAP, row, row + width);
    else if (node === 0) table.fill(root, row, row + width);
    else {
      const from = (stateOf[fail[node] as number] as number) * width;
      table.copyWithin(row, from, from + width);
    }
    for (const child of childrenOf(trie, node)) table[row + (trie.label[child] as number)] = stateOf[child] as number;
  }
  return table;
}
