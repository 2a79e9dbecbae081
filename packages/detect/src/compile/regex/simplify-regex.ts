/**
 * Smaller expressions that are found in exactly the same texts. A search may begin and end anywhere, so what an expression repeats at its own
 * ends can be repeated as little as is allowed: whatever is found with more has the little in it.
 */
import type { RegexNode } from './regex-syntax.ts';

/** The alternatives of an expression, each as a flat list of parts. The expression is found where one of them is. */
export function alternativesOf(node: RegexNode): readonly (readonly RegexNode[])[] {
  if (node.kind === 'choice') return node.options.flatMap(alternativesOf);
  const parts = trimEnd(trimStart(flatten(node)));
  const only = parts[0];
  return parts.length === 1 && only?.kind === 'choice' ? alternativesOf(only) : [parts];
}

function flatten(node: RegexNode): readonly RegexNode[] {
  if (node.kind === 'repeat' && node.least === 1 && node.most === 1) return flatten(node.body);
  return node.kind === 'sequence' ? node.parts.flatMap(flatten) : [node];
}

function trimStart(parts: readonly RegexNode[]): readonly RegexNode[] {
  const [first, ...rest] = parts;
  if (first?.kind !== 'repeat' || first.least === first.most) return parts;
  return first.least === 0 ? trimStart(rest) : [...flatten({ ...first, most: first.least }), ...rest];
}

function trimEnd(parts: readonly RegexNode[]): readonly RegexNode[] {
  const last = parts[parts.length - 1];
  if (last?.kind !== 'repeat' || last.least === last.most) return parts;
  const rest = parts.slice(0, -1);
  return last.least === 0 ? trimEnd(rest) : [...rest, ...flatten({ ...last, most: last.least })];
}
