/**
 * What an alert says of a match: the lines of the rule that held, on which value of the event. The same as the whole explanation
 * (`explain-detection.ts`) says of them, but nothing is tried that is not told: no filters under a "not", no values behind the first that held.
 */
import type { Explanation } from '@tocsin/core';
import { type EventTest, valueTest } from '../compile/compile-item.ts';
import { type EventView, type FieldSlot, isScalar } from '../compile/event-view.ts';
import type { ConditionNode } from '../parse/condition.ts';
import type { ItemSpec, ValueSpec } from '../parse/item-spec.ts';
import type { DetectionRule, Selection } from '../parse/parsed-rule.ts';
import { witnessOf } from './witness.ts';

/** Says of the event that the view shows which lines held; at most 16. Call only when the rule matched. */
export type MatchExplainer = () => Explanation[];

const MAX_EXPLANATIONS = 16;
const MAX_VALUES_PER_LINE = 8;
const MAX_CHARS = 256;

/** A line's value on the event that held, and the pattern it held for. */
type Row = Pick<Explanation, 'field' | 'value' | 'pattern'>;

/** Rows of what held; undefined where it did not. */
type RowsOf = () => readonly Row[] | undefined;

/** Explainer of a rule's matches. */
export function matchExplainer({ condition, selections }: DetectionRule, view: EventView): MatchExplainer {
  const told = [...new Set(toldSelections(condition))].map((name) => ({
    name,
    rowsOf: bodyRows(selections.get(name) as Selection, view),
  }));
  return () => told.flatMap(({ name, rowsOf }) => (rowsOf() ?? []).map((row) => ({ selection: name, ...row }))).slice(0, MAX_EXPLANATIONS);
}

/** Names of the search identifiers that stand under no "not", in the order of the condition. */
function toldSelections(node: ConditionNode): readonly string[] {
  switch (node.kind) {
    case 'selection':
      return [node.name];
    case 'not':
      return [];
    case 'and':
    case 'or':
      return node.operands.flatMap(toldSelections);
    default:
      return node.names;
  }
}

function bodyRows(selection: Selection, view: EventView): RowsOf {
  if (selection.kind === 'item') return lineRows(selection.item, view);
  const parts = selection.parts.map((part) => bodyRows(part, view));
  if (selection.kind === 'any') {
    return () => {
      const held = parts.map((rowsOf) => rowsOf()).filter((rows) => rows !== undefined);
      return held.length === 0 ? undefined : held.flat();
    };
  }
  return () => {
    const all: Row[] = [];
    for (const rowsOf of parts) {
      const rows = rowsOf();
      if (rows === undefined) return undefined;
      all.push(...rows);
    }
    return all;
  };
}

function lineRows(item: ItemSpec, view: EventView): RowsOf {
  const slot = view.slot(item.field);
  const tests = new Array<EventTest | undefined>(item.values.length);
  const holds = (value: ValueSpec, place: number): boolean => (tests[place] ??= valueTest(value.test, slot, view))();
  const modifiers = item.modifiers.filter((modifier) => modifier !== 'all').join('|');
  const patternOf = ({ shown }: ValueSpec): string => (modifiers === '' ? shown : `${modifiers} ${shown}`);
  const row = (value: string, pattern: string): Row => ({ field: item.field ?? '', value, pattern: pattern.slice(0, MAX_CHARS) });
  const rowOf = (value: ValueSpec): Row => row(witnessOf(value.test, slot).slice(0, MAX_CHARS), patternOf(value));
  if (item.negated) return () => negatedRows(item, holds)?.map((kept) => row(firstText(slot), kept.map(patternOf).join(', ')));
  if (item.all) return () => (item.values.every(holds) ? item.values.slice(0, MAX_VALUES_PER_LINE).map(rowOf) : undefined);
  return () => {
    const held = item.values.find(holds);
    return held === undefined ? undefined : [rowOf(held)];
  };
}

/** Of a line that holds where its values do not: one row, of the values it kept away from. */
function negatedRows(
  { values, all }: ItemSpec,
  holds: (value: ValueSpec, place: number) => boolean,
): readonly (readonly ValueSpec[])[] | undefined {
  const isHeld = values.map(holds);
  if (all ? isHeld.every(Boolean) : isHeld.some(Boolean)) return undefined;
  const [held, missed] = [values.filter((_, place) => isHeld[place]), values.filter((_, place) => !isHeld[place])];
  return [[...held, ...missed].slice(0, MAX_VALUES_PER_LINE)];
}

/** What the event has in a field, its first value. */
function firstText(slot: FieldSlot): string {
  const [value] = slot.read().values;
  if (value === undefined) return '';
  return (isScalar(value) ? String(value) : value === null ? 'null' : 'an object').slice(0, MAX_CHARS);
}
