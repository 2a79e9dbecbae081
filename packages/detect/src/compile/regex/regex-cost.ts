/**
 * Whether backtracking can be kept cheap: a proof that a native search takes at most a fixed number of steps per character of the text, whatever
 * the text is. Where there is none the expression is left to RE2, which needs no proof.
 *
 * The criterion. From one starting place an expression without loops takes at most as many steps as there are ways through it (`steps`, which
 * multiplies what may vary by what comes behind it). A loop over a set of characters is counted as one way, however long, where it is
 * *guarded* (the character before it is not of the set: the stretches that two starting places loop over are then the same stretch only if they
 * began at the same place, so all loops together read each character once per way to reach them) and *closed* (the character behind it is not of the set, or
 * the text ends there: giving back what was taken cannot help, and costs one step each). Everything else is refused.
 */
import { areDisjoint, type CharSet, charSet, classSource } from './char-set.ts';
import type { RegexNode } from './regex-syntax.ts';

/** Steps per starting place that a search may take; an expression bound to the start has one starting place only. */
const MAX_STEPS = 64;
const MAX_STEPS_ANCHORED = 2000;

/** Native expression of the same meaning that is proven cheap; undefined where there is no proof. Its flags are `gu`. */
export function cheapNative(node: RegexNode): RegExp | undefined {
  const cost = costOf(node, { before: isAnchored(node) ? [] : undefined, after: undefined, isEnd: true });
  if (cost === undefined || cost.steps > (isAnchored(node) ? MAX_STEPS_ANCHORED : MAX_STEPS)) return undefined;
  return new RegExp(nativeSource(node), 'gu');
}

/** The expression in native syntax, to be read with the flag `u`. Case and lines are spelled out, as the two dialects differ there. */
function nativeSource(node: RegexNode): string {
  switch (node.kind) {
    case 'char':
      return classSource(node.set);
    case 'assert':
      return asserted[node.at];
    case 'sequence':
      return node.parts.map(nativeSource).join('');
    case 'choice':
      return `(?:${node.options.map(nativeSource).join('|')})`;
    default: {
      const most = node.most === Infinity ? '' : String(node.most);
      return `(?:${nativeSource(node.body)}){${node.least},${most}}`;
    }
  }
}

const asserted = {
  start: '^',
  end: '$',
  // Told by what is there, not by what is missing: the native engine also looks inside a pair of surrogates, where nothing fits.
  'line-start': '(?:^|(?<=\\n))',
  'line-end': '(?:$|(?=\\n))',
  word: '\\b',
} as const;

/** Whether the expression can begin at the start of the text only. */
function isAnchored(node: RegexNode): boolean {
  if (node.kind === 'assert') return node.at === 'start';
  if (node.kind === 'sequence') return node.parts[0] !== undefined && isAnchored(node.parts[0]);
  return node.kind === 'choice' && node.options.every(isAnchored);
}

interface Around {
  /** What the character before can be; undefined where there need be none. */
  readonly before: CharSet | undefined;
  /** What the character behind can be; undefined where there need be none. */
  readonly after: CharSet | undefined;
  /** Whether nothing comes behind but the end of the text. */
  readonly isEnd: boolean;
}

interface Cost {
  /** Ways in which the expression can take text from one place. */
  readonly ways: number;
  readonly steps: number;
}

function costOf(node: RegexNode, around: Around): Cost | undefined {
  switch (node.kind) {
    case 'char':
    case 'assert':
      return { ways: 1, steps: 1 };
    case 'sequence':
      return costOfSequence(node.parts, around);
    case 'choice':
      return costOfChoice(node.options, around);
    default:
      return costOfRepeat(node, around);
  }
}

/** All options may be tried one after the other; where each begins with characters of its own, only one gets beyond its first. */
function costOfChoice(options: readonly RegexNode[], around: Around): Cost | undefined {
  const firsts = options.map((option) => edge(option, 'first', undefined));
  const isDecided = firsts.every((first, index) =>
    firsts.slice(index + 1).every((other) => first !== undefined && other !== undefined && areDisjoint(first, other)),
  );
  let total: Cost = { ways: 0, steps: isDecided ? options.length : 0 };
  for (const option of options) {
    const cost = costOf(option, around);
    if (cost === undefined) return undefined;
    total = isDecided
      ? { ways: Math.max(total.ways, cost.ways), steps: Math.max(total.steps, options.length + cost.steps) }
      : { ways: total.ways + cost.ways, steps: total.steps + cost.steps };
  }
  return total;
}

function costOfSequence(parts: readonly RegexNode[], around: Around): Cost | undefined {
  let total: Cost = { ways: 1, steps: 0 };
  let { before } = around;
  for (const [index, part] of parts.entries()) {
    const rest = parts.slice(index + 1);
    const cost = costOf(part, { ...behind(rest, around), before });
    if (cost === undefined) return undefined;
    total = { ways: total.ways * cost.ways, steps: total.steps + total.ways * cost.steps };
    if (total.steps > MAX_STEPS_ANCHORED) return undefined;
    before = part.kind === 'assert' ? before : edge(part, 'last', before);
  }
  return total;
}

/** What comes behind a part: the first characters of the parts after it and, where those can be empty, of what is behind them. */
function behind(rest: readonly RegexNode[], around: Around): Pick<Around, 'after' | 'isEnd'> {
  const next = rest[0];
  if (next === undefined) return around;
  if (next.kind === 'assert') return next.at === 'end' ? { after: [], isEnd: true } : behind(rest.slice(1), around);
  const { after } = behind(rest.slice(1), around);
  return { after: edge(next, 'first', after), isEnd: false };
}

type Repeat = Extract<RegexNode, { kind: 'repeat' }>;

function costOfRepeat(node: Repeat, around: Around): Cost | undefined {
  const loop = costOfLoop(node, around);
  if (loop !== undefined) return loop;
  const { body, most } = node;
  if (most === Infinity) return undefined;
  const cost = costOf(body, most > 1 ? amongItself(body, around) : { ...around, isEnd: false });
  return cost === undefined ? undefined : repeated(cost, node);
}

/** A loop over single characters that takes one way; undefined for any other. */
function costOfLoop({ body, least, most }: Repeat, { before, after }: Around): Cost | undefined {
  if (body.kind !== 'char' || least === most) return undefined;
  if (after === undefined || !areDisjoint(after, body.set)) return undefined;
  if (before !== undefined && areDisjoint(before, body.set)) return { ways: 1, steps: 2 };
  // Bounded and closed: from one place only one number of repetitions can go on.
  return most === Infinity ? undefined : { ways: 1, steps: 2 * most };
}

/** What stands around one of several repetitions: what stands around all of them, or another one. */
function amongItself(body: RegexNode, { before, after }: Around): Around {
  return { before: join(before, edge(body, 'last', before)), after: join(after, edge(body, 'first', after)), isEnd: false };
}

function repeated(cost: Cost, { least, most }: Repeat): Cost | undefined {
  let total: Cost = { ways: least === 0 ? 1 : 0, steps: 0 };
  let ways = 1;
  for (let count = 1; count <= most; count++) {
    const steps = total.steps + ways * cost.steps;
    ways *= cost.ways;
    total = { ways: total.ways + (count >= least ? ways : 0), steps };
    if (total.steps > MAX_STEPS_ANCHORED || total.ways > MAX_STEPS_ANCHORED) return undefined;
  }
  return { ...total, ways: Math.max(1, total.ways) };
}

/** Characters that the expression can begin or end with; joined with those beyond it where it can be empty. */
function edge(node: RegexNode, side: 'first' | 'last', beyond: CharSet | undefined): CharSet | undefined {
  switch (node.kind) {
    case 'char':
      return node.set;
    case 'assert':
      return beyond;
    case 'sequence':
      return (side === 'first' ? node.parts.toReversed() : node.parts).reduce<CharSet | undefined>(
        (far, part) => edge(part, side, far),
        beyond,
      );
    case 'choice':
      return node.options.map((option) => edge(option, side, beyond)).reduce(join);
    default: {
      const inner = edge(node.body, side, beyond);
      return node.least === 0 ? join(inner, beyond) : inner;
    }
  }
}

/** Undefined stands for "there need be no character": it stays so. */
function join(a: CharSet | undefined, b: CharSet | undefined): CharSet | undefined {
  return a === undefined || b === undefined ? undefined : charSet([...a, ...b]);
}
