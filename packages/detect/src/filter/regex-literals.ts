/**
 * The text that a value must contain for a regular expression (RE2 syntax) to match it. Reads the parts of the syntax it knows; an
 * expression with any other part has no clauses. Alternatives give one clause of several texts, repeated groups give theirs once.
 */
import { foldCase } from '../compile/event-view.ts';
import { isAscii, longest, type RequiredClause } from './required-text.ts';

/** Clauses of an expression; none where nothing is certain. */
export function requiredByRegex(source: string): readonly RequiredClause[] {
  const reader = new RegexReader(source);
  const node = reader.alternation(0);
  if (node === undefined || !reader.isAtEnd) return [];
  return longest(clausesOf(node));
}

const MAX_DEPTH = 40;
const MAX_TEXTS = 40;

/** What a part of an expression says: the very text it stands for, if it is one text, else the clauses that any match satisfies. */
interface Node {
  readonly text: string | undefined;
  /** Text that any match begins and ends with. */
  readonly head: string;
  readonly tail: string;
  readonly clauses: readonly RequiredClause[];
}

const UNKNOWN: Node = { text: undefined, head: '', tail: '', clauses: [] };
const NOTHING = exactly('');

class RegexReader {
  readonly #source: string;
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#source.length;
  }

  /** Alternatives up to a closing parenthesis or the end; undefined where the syntax is not known here. */
  alternation(depth: number): Node | undefined {
    const branches: Node[] = [];
    if (depth > MAX_DEPTH) return undefined;
    for (;;) {
      const branch = this.#concatenation(depth);
      if (branch === undefined) return undefined;
      branches.push(branch);
      if (!this.#take('|')) break;
    }
    return branches.length === 1 ? branches[0] : anyOf(branches);
  }

  #concatenation(depth: number): Node | undefined {
    const clauses: RequiredClause[] = [];
    let isWhole = true;
    let run = '';
    let head: string | undefined;
    const endRun = (): void => {
      if (run !== '' && isAscii(run)) clauses.push([{ anchor: 'inside', text: run }]);
      run = '';
    };
    while (!this.isAtEnd && this.#peek() !== '|' && this.#peek() !== ')') {
      const atom = this.#atom(depth);
      const part = atom === undefined ? undefined : this.#quantified(atom);
      if (part === undefined) return undefined;
      if (part.text !== undefined) run += part.text;
      else {
        run += part.head;
        head ??= run;
        endRun();
        run = part.tail;
        isWhole = false;
        clauses.push(...part.clauses);
      }
    }
    if (isWhole) return exactly(run);
    const tail = run;
    endRun();
    return { text: undefined, head: head ?? '', tail, clauses };
  }

  #quantified(atom: Node): Node | undefined {
    const least = this.#quantifier();
    if (least === undefined) return atom;
    if (least < 0) return undefined;
    // What must be there is there at least once; between its first and its last time anything may stand.
    return least === 0 ? UNKNOWN : { ...atom, text: undefined, clauses: clausesOf(atom) };
  }

  /** Least repetitions of the quantifier that stands here; undefined where none does, -1 where it is followed by another. */
  #quantifier(): number | undefined {
    const found = /^(?:[*+?]|\{(\d+)(?:,\d*)?\})/.exec(this.#source.slice(this.#at, this.#at + 16));
    if (found === null) return undefined;
    this.#at += found[0].length;
    this.#take('?');
    if (/^[*+?{]/.test(this.#peek())) return -1;
    return found[0] === '+' ? 1 : found[1] === undefined ? 0 : Math.min(1, Number(found[1]));
  }

  #atom(depth: number): Node | undefined {
    const char = this.#next();
    if (char === '(') return this.#group(depth);
    if (char === '[') return this.#set();
    if (char === '\\') return this.#escape();
    if (char === '.') return UNKNOWN;
    if (char === '^' || char === '$') return NOTHING;
    return exactly(foldCase(char));
  }

  #group(depth: number): Node | undefined {
    const opening = /^\?(?:P?<[A-Za-z0-9_]+>|[imsU]*(?:-[imsU]+)?(:|\)))/.exec(this.#source.slice(this.#at, this.#at + 80));
    if (opening === null && this.#peek() === '?') return undefined;
    if (opening !== null) {
      this.#at += opening[0].length;
      if (opening[1] === ')') return NOTHING;
    }
    const inside = this.alternation(depth + 1);
    return this.#take(')') ? inside : undefined;
  }

  /** A set of characters; one letter in both cases is that letter. */
  #set(): Node | undefined {
    const isNegated = this.#take('^');
    const chars = new Set<string | undefined>(isNegated ? [undefined] : []);
    for (let isFirst = true; !this.isAtEnd && (isFirst || this.#peek() !== ']'); isFirst = false) {
      const member = this.#setMember();
      if (member === undefined) return undefined;
      chars.add(member.text === '' ? undefined : member.text);
    }
    if (!this.#take(']')) return undefined;
    const [only] = chars;
    return chars.size === 1 && only !== undefined ? exactly(only) : UNKNOWN;
  }

  /** One member of a set; a dash may be a range. */
  #setMember(): Node | undefined {
    const char = this.#next();
    if (char === '[' && this.#peek() === ':') return undefined;
    if (char === '\\') return this.#escape();
    return char === '-' ? UNKNOWN : exactly(foldCase(char));
  }

  #escape(): Node | undefined {
    const char = this.#next();
    if (/^[^A-Za-z0-9]$/.test(char)) return exactly(char);
    if (/^[dDsSwW]$/.test(char)) return UNKNOWN;
    if (/^[bBAz]$/.test(char)) return NOTHING;
    const control = new Map([
      ['n', '\n'],
      ['r', '\r'],
      ['t', '\t'],
    ]).get(char);
    if (control !== undefined) return exactly(control);
    const hex = char === 'x' ? /^(?:([0-9a-fA-F]{2})|\{([0-9a-fA-F]{1,6})\})/.exec(this.#source.slice(this.#at, this.#at + 8)) : null;
    if (hex === null) return undefined;
    this.#at += hex[0].length;
    const code = Number.parseInt(hex[1] ?? hex[2] ?? '', 16);
    return code > 0x7f ? UNKNOWN : exactly(foldCase(String.fromCharCode(code)));
  }

  #peek(): string {
    return this.#source[this.#at] ?? '';
  }

  #next(): string {
    const char = this.#peek();
    this.#at += 1;
    return char;
  }

  #take(char: string): boolean {
    const isThere = this.#peek() === char;
    if (isThere) this.#at += 1;
    return isThere;
  }
}

function exactly(text: string): Node {
  return { text, head: text, tail: text, clauses: [] };
}

function clausesOf(node: Node): readonly RequiredClause[] {
  if (node.text === undefined) return node.clauses;
  return node.text === '' || !isAscii(node.text) ? [] : [[{ anchor: 'inside', text: node.text }]];
}

/** One clause out of the best clause of each branch; nothing where a branch has none. */
function anyOf(branches: readonly Node[]): Node {
  const best = branches.map((branch) => longest(clausesOf(branch))[0]);
  const texts = best.flatMap((clause) => clause ?? []);
  const isCertain = best.every((clause) => clause !== undefined) && texts.length <= MAX_TEXTS;
  return isCertain ? { ...UNKNOWN, clauses: [texts] } : UNKNOWN;
}
