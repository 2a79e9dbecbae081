/**
 * Conditions as chains of tests that jump (then / else), and which leaves can wake a rule. A negation is carried down to the leaves, where
 * "may hold" of a negated leaf is "is not sure": so two-valued jumps decide exactly what three-valued logic would.
 */
import { ACCEPT, REJECT, TEST_EXISTS, TEST_NOT_SURE, TEST_NULL, TEST_SEEN } from './machine/layout.data.ts';
import type { ScanCondition } from './scan-plan.ts';

/** One test. Targets are indexes of instructions, or `ACCEPT` and `REJECT`. */
export interface Instruction {
  readonly test: number;
  readonly argument: number;
  readonly yes: number;
  readonly no: number;
}

/** A rule's code. `entry` is the first instruction, or `ACCEPT` or `REJECT` where nothing needs testing. */
export interface ConditionCode {
  readonly instructions: readonly Instruction[];
  readonly entry: number;
}

const MAX_INSTRUCTIONS = 20_000;

/** Code of a condition. One that would grow too long is taken to hold from there on. */
export function codeOf(condition: ScanCondition): ConditionCode {
  const instructions: Instruction[] = [];
  const entry = emit(instructions, condition, { negated: false, yes: ACCEPT, no: REJECT });
  return { instructions, entry };
}

interface Way {
  readonly negated: boolean;
  readonly yes: number;
  readonly no: number;
}

function emit(into: Instruction[], condition: ScanCondition, way: Way): number {
  if (into.length > MAX_INSTRUCTIONS) return way.yes;
  switch (condition.kind) {
    case 'maybe':
      return way.yes;
    case 'never':
      return way.negated ? way.yes : way.no;
    case 'leaf':
      return into.push({ test: way.negated ? TEST_NOT_SURE : TEST_SEEN, argument: condition.leaf, yes: way.yes, no: way.no }) - 1;
    case 'exists':
    case 'null':
      return emitPresence(into, condition, way);
    case 'not':
      return emit(into, condition.operand, { ...way, negated: !way.negated });
    case 'atLeast':
      return emitCount(into, condition, way);
    default:
      return emitJoined(into, condition, way);
  }
}

function emitPresence(into: Instruction[], { kind, field }: Extract<ScanCondition, { field: number }>, way: Way): number {
  const [yes, no] = way.negated ? [way.no, way.yes] : [way.yes, way.no];
  return into.push({ test: kind === 'exists' ? TEST_EXISTS : TEST_NULL, argument: field, yes, no }) - 1;
}

function emitJoined(into: Instruction[], condition: Extract<ScanCondition, { kind: 'and' | 'or' }>, way: Way): number {
  const isAnd = (condition.kind === 'and') !== way.negated;
  let entry = isAnd ? way.yes : way.no;
  for (const operand of condition.operands.toReversed())
    entry = emit(into, operand, isAnd ? { ...way, yes: entry } : { ...way, no: entry });
  return entry;
}

/** At least k of n: one copy of an operand for each number still wanted when it is reached. */
function emitCount(into: Instruction[], condition: Extract<ScanCondition, { kind: 'atLeast' }>, way: Way): number {
  const { operands } = condition;
  const wanted = way.negated ? operands.length - condition.count + 1 : condition.count;
  let behind = Array.from({ length: wanted + 1 }, (_, need) => (need === 0 ? way.yes : way.no));
  for (const operand of operands.toReversed()) {
    behind = behind.map((no, need) =>
      need === 0 ? way.yes : emit(into, operand, { negated: way.negated, yes: behind[need - 1] as number, no }),
    );
  }
  return behind[wanted] as number;
}

/** Leaves of which one must be stamped for a condition to hold, and how often that is to be expected. */
export interface Witness {
  readonly leaves: ReadonlySet<number>;
  readonly cost: number;
}

/** The cheapest witness of a condition; undefined where it can hold without any stamp. `costOf` says how often a leaf is stamped. */
export function witnessOf(condition: ScanCondition, costOf: (leaf: number) => number, negated = false): Witness | undefined {
  switch (condition.kind) {
    case 'leaf':
      return negated ? undefined : { leaves: new Set([condition.leaf]), cost: costOf(condition.leaf) };
    case 'never':
      return negated ? undefined : { leaves: new Set(), cost: 0 };
    case 'not':
      return witnessOf(condition.operand, costOf, !negated);
    case 'and':
    case 'or':
    case 'atLeast': {
      const all = condition.operands.map((operand) => witnessOf(operand, costOf, negated));
      return cheapest(all, all.length - neededOf(condition, negated) + 1);
    }
    default:
      return undefined;
  }
}

/** How many operands must hold. */
function neededOf(condition: Extract<ScanCondition, { operands: unknown }>, negated: boolean): number {
  const all = condition.operands.length;
  const needed = condition.kind === 'atLeast' ? condition.count : condition.kind === 'and' ? all : 1;
  return negated ? all - needed + 1 : needed;
}

/** Of n operands of which k must hold, any n - k + 1 hold one that does. */
function cheapest(witnesses: readonly (Witness | undefined)[], count: number): Witness | undefined {
  const chosen = witnesses
    .filter((witness) => witness !== undefined)
    .sort((a, b) => a.cost - b.cost)
    .slice(0, count);
  if (chosen.length < count) return undefined;
  return { leaves: new Set(chosen.flatMap(({ leaves }) => [...leaves])), cost: chosen.reduce((sum, { cost }) => sum + cost, 0) };
}
