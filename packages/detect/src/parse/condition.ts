/**
 * The condition line (Sigma 2.1, "Condition"): text to a tree. Precedence from weak to strong: or, and, not,
 * quantifiers, parentheses. Quantifiers are resolved to the search identifiers they stand for.
 */
import { type DocumentPath, RuleFault } from './rule-fault.ts';

/** A condition as a tree over search identifiers. */
export type ConditionNode =
  | { readonly kind: 'selection'; readonly name: string }
  | { readonly kind: 'not'; readonly operand: ConditionNode }
  | { readonly kind: 'and' | 'or'; readonly operands: readonly ConditionNode[] }
  | { readonly kind: 'atLeast'; readonly count: number; readonly names: readonly string[] };

/** What a condition is read with. */
export interface ConditionContext {
  /** The search identifiers there are. */
  readonly names: readonly string[];
  /** Where the condition stands in its document. */
  readonly path: DocumentPath;
}

const MAX_TOKENS = 1000;
const MAX_DEPTH = 60;
/** Names that all quantifiers of a condition may stand for together: each costs one test per event. */
const MAX_QUANTIFIED = 10_000;
const SHOWN_CHARS = 200;

/** Tree of a condition over the given search identifiers. @throws RuleFault detect.bad_condition */
export function parseCondition(text: string, { names, path }: ConditionContext): ConditionNode {
  const tokens = text.match(/\(|\)|[^\s()]+/g) ?? [];
  const reader: Reader = { text: shorten(text), tokens, at: 0, depth: 0, names, path, quantified: 0 };
  if (text.includes('|'))
    fault(reader, `condition "${reader.text}" pipes into an aggregation, which Sigma 2 replaced by correlation rules`);
  if (tokens.length === 0) fault(reader, 'the condition is empty');
  if (tokens.length > MAX_TOKENS) fault(reader, `the condition has more than ${MAX_TOKENS} words`);
  const node = readOr(reader);
  const rest = tokens[reader.at];
  if (rest !== undefined) fault(reader, `condition "${reader.text}" cannot be understood at "${shorten(rest)}"`);
  return node;
}

interface Reader {
  /** The condition as messages show it. */
  readonly text: string;
  readonly tokens: readonly string[];
  readonly names: readonly string[];
  readonly path: DocumentPath;
  quantified: number;
  at: number;
  depth: number;
}

function readOr(reader: Reader): ConditionNode {
  return readJoined(reader, 'or', (inner) => readJoined(inner, 'and', readNot));
}

function readJoined(reader: Reader, kind: 'and' | 'or', next: (reader: Reader) => ConditionNode): ConditionNode {
  const operands = [next(reader)];
  while (peek(reader) === kind) {
    reader.at += 1;
    operands.push(next(reader));
  }
  return operands.length === 1 ? (operands[0] as ConditionNode) : { kind, operands };
}

function readNot(reader: Reader): ConditionNode {
  let negations = 0;
  while (peek(reader) === 'not') {
    negations += 1;
    reader.at += 1;
  }
  const operand = readPrimary(reader);
  return negations % 2 === 1 ? { kind: 'not', operand } : operand;
}

function readPrimary(reader: Reader): ConditionNode {
  const token = reader.tokens[reader.at];
  if (token === undefined) return fault(reader, `condition "${reader.text}" ends where a search identifier is expected`);
  reader.at += 1;
  if (token === '(') return readParenthesis(reader);
  if (peek(reader) === 'of' && /^(all|any|[0-9]{1,6})$/i.test(token)) return readQuantifier(reader, token.toLowerCase());
  if (!reader.names.includes(token))
    return fault(reader, `the condition names "${shorten(token)}", which is no search identifier of the rule`);
  return { kind: 'selection', name: token };
}

function readParenthesis(reader: Reader): ConditionNode {
  reader.depth += 1;
  if (reader.depth > MAX_DEPTH) fault(reader, `the condition nests deeper than ${MAX_DEPTH} parentheses`);
  const node = readOr(reader);
  if (peek(reader) !== ')') fault(reader, `condition "${reader.text}" lacks a closing parenthesis`);
  reader.at += 1;
  reader.depth -= 1;
  return node;
}

function readQuantifier(reader: Reader, amount: string): ConditionNode {
  const target = reader.tokens[reader.at + 1];
  reader.at += 2;
  if (target === undefined || target === '(' || target === ')')
    return fault(reader, `condition "${reader.text}": "${amount} of" needs a name or "them"`);
  const names =
    target.toLowerCase() === 'them' ? reader.names.filter((name) => !name.startsWith('_')) : reader.names.filter(globTest(target));
  if (names.length === 0) fault(reader, `"${amount} of ${shorten(target)}" stands for no search identifier of the rule`);
  reader.quantified += names.length;
  if (reader.quantified > MAX_QUANTIFIED)
    fault(reader, `the quantifiers of the condition stand for more than ${MAX_QUANTIFIED} search identifiers`);
  const count = amount === 'all' ? names.length : amount === 'any' ? 1 : Number(amount);
  if (count < 1 || count > names.length)
    fault(reader, `"${amount} of ${shorten(target)}" can never be decided: it stands for ${names.length} search identifiers`);
  return { kind: 'atLeast', count, names };
}

function globTest(glob: string): (name: string) => boolean {
  const parts = glob.split('*');
  const first = parts[0] as string;
  if (parts.length === 1) return (name) => name === glob;
  const last = parts[parts.length - 1] as string;
  const middle = parts.slice(1, -1);
  return (name) => {
    if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length) return false;
    let at = first.length;
    for (const part of middle) {
      const found = name.indexOf(part, at);
      if (found < 0) return false;
      at = found + part.length;
    }
    return at <= name.length - last.length;
  };
}

function peek(reader: Reader): string | undefined {
  return reader.tokens[reader.at]?.toLowerCase();
}

function shorten(text: string): string {
  return text.length <= SHOWN_CHARS ? text : `${text.slice(0, SHOWN_CHARS)}…`;
}

function fault({ path }: Reader, reason: string): never {
  throw new RuleFault('detect.bad_condition', reason, path);
}
