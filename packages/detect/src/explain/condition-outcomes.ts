/**
 * What a condition can come to, whatever the event: both, never or always. Every search identifier is tried as holding and not holding,
 * in all combinations that their lines leave possible.
 */
import type { ConditionNode } from '../parse/condition.ts';

/** What is known of search identifiers beside their names. */
export interface SelectionLimits {
  /** Whether a search identifier can hold at all. */
  canHold(name: string): boolean;
  /** Whether two can hold together. */
  together(one: string, other: string): boolean;
  /** Whether the other holds wherever the one does. */
  implies(one: string, other: string): boolean;
}

/** Search identifiers beyond which combinations are not tried: 2^12. */
const MAX_NAMES = 12;

/** What the condition can come to; `varies` also where there are too many search identifiers to try. */
export function conditionOutcomes(condition: ConditionNode, limits: SelectionLimits): 'never' | 'always' | 'varies' {
  const names = [...new Set(namesOf(condition))];
  if (names.length > MAX_NAMES) return 'varies';
  const possible = names.map((name) => limits.canHold(name));
  const pairs = names.flatMap((one, i) =>
    names.flatMap((other, j) => [
      ...(i < j && !limits.together(one, other) ? [{ i, j, forbids: (a: boolean, b: boolean) => a && b }] : []),
      ...(i !== j && limits.implies(one, other) ? [{ i, j, forbids: (a: boolean, b: boolean) => a && !b }] : []),
    ]),
  );
  let held = 0;
  let tried = 0;
  for (let bits = 0; bits < 1 << names.length; bits++) {
    const holds = (i: number): boolean => (bits & (1 << i)) !== 0;
    if (names.some((_, i) => holds(i) && possible[i] !== true)) continue;
    if (pairs.some(({ i, j, forbids }) => forbids(holds(i), holds(j)))) continue;
    tried += 1;
    if (evaluate(condition, (name) => holds(names.indexOf(name)))) held += 1;
    if (held > 0 && held < tried) return 'varies';
  }
  return held === 0 ? 'never' : held === tried ? 'always' : 'varies';
}

function* namesOf(node: ConditionNode): Generator<string> {
  if (node.kind === 'selection') yield node.name;
  else if (node.kind === 'atLeast') yield* node.names;
  else if (node.kind === 'not') yield* namesOf(node.operand);
  else for (const operand of node.operands) yield* namesOf(operand);
}

function evaluate(node: ConditionNode, holds: (name: string) => boolean): boolean {
  switch (node.kind) {
    case 'selection':
      return holds(node.name);
    case 'not':
      return !evaluate(node.operand, holds);
    case 'and':
      return node.operands.every((operand) => evaluate(operand, holds));
    case 'or':
      return node.operands.some((operand) => evaluate(operand, holds));
    default:
      return node.names.filter(holds).length >= node.count;
  }
}
