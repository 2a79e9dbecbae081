// The condition line: a hand-written recursive descent over `or`, `and`, `not`, quantifiers and parentheses,
// computing the answer while it reads. Precedence: not, then and, then or.

import { OracleRefusal } from './refusal.ts';

/** `selections` answers for one search identifier; `names` are all of them. @throws OracleRefusal */
export function evaluateCondition(text: string, names: readonly string[], selection: (name: string) => boolean): boolean {
  const tokens = tokensOf(text);
  let at = 0;
  const peek = (): string | undefined => tokens[at]?.toLowerCase();
  const take = (): string => {
    const token = tokens[at];
    if (token === undefined) throw new OracleRefusal(`condition ends too early: ${text}`);
    at += 1;
    return token;
  };
  // Both sides are always computed, so that a mistake on the right is found even when the left decides.
  const or = (): boolean => {
    let result = and();
    while (peek() === 'or') {
      take();
      const right = and();
      result = result || right;
    }
    return result;
  };
  const and = (): boolean => {
    let result = not();
    while (peek() === 'and') {
      take();
      const right = not();
      result = result && right;
    }
    return result;
  };
  const not = (): boolean => {
    if (peek() !== 'not') return primary();
    take();
    return !not();
  };
  const primary = (): boolean => {
    const token = take();
    if (token === '(') {
      const result = or();
      if (take() !== ')') throw new OracleRefusal(`missing ) in: ${text}`);
      return result;
    }
    if (/^(all|any|\d+)$/i.test(token) && peek() === 'of') {
      take();
      return quantified(token.toLowerCase(), take(), names, selection);
    }
    if (!names.includes(token)) throw new OracleRefusal(`no search identifier ${token}`);
    return selection(token);
  };
  const result = or();
  if (at < tokens.length) throw new OracleRefusal(`condition not understood at "${tokens[at]}": ${text}`);
  return result;
}

const tokensByText = new Map<string, readonly string[]>();

function tokensOf(text: string): readonly string[] {
  const known = tokensByText.get(text) ?? text.match(/\(|\)|[^\s()]+/g) ?? [];
  tokensByText.set(text, known);
  return known;
}

function quantified(amount: string, target: string, names: readonly string[], selection: (name: string) => boolean): boolean {
  const chosen = names.filter((name) => (target.toLowerCase() === 'them' ? !name.startsWith('_') : globMatch(target, name)));
  if (chosen.length === 0) throw new OracleRefusal(`nothing matches ${target}`);
  const hits = chosen.map(selection).filter(Boolean).length;
  if (amount === 'all') return hits === chosen.length;
  return hits >= (amount === 'any' ? 1 : Number(amount));
}

function globMatch(glob: string, name: string): boolean {
  const source = glob
    .split('*')
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*');
  return new RegExp(`^${source}$`).test(name);
}
