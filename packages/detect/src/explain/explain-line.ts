/**
 * Explains one line of a detection over the event that a view shows: what the event has in the field, which values held and which came
 * near. Whether a value holds is asked of the very tests that matching uses (`compile-item.ts`).
 */
import { valueTest } from '../compile/compile-item.ts';
import { type EventView, type FieldSlot, isScalar } from '../compile/event-view.ts';
import { pathsOf, resolveField } from '../compile/field-reader.ts';
import type { ItemSpec, ValueSpec } from '../parse/item-spec.ts';
import type { ExplainedLine, ExplainedValue } from './explained-rule.ts';
import { findMiss, type RankedMiss } from './find-miss.ts';
import { witnessOf } from './witness.ts';

const MAX_CHARS = 256;
/** Values of the event, and of the rule, that are told of one line. */
const MAX_FOUND = 5;
const MAX_HELD = 8;
const MAX_MISSES = 3;
/** Values of a line whose nearness is weighed; the others count as untold. */
const MAX_WEIGHED = 2000;

/** One line over the view's event. */
export function explainLine(item: ItemSpec, view: EventView): ExplainedLine {
  const slot = view.slot(item.field);
  const tested = item.values.map((value) => ({ value, held: valueTest(value.test, slot, view)() }));
  const holds = item.all ? tested.every(({ held }) => held) : tested.some(({ held }) => held);
  const held = item.negated ? !holds : holds;
  const values = [
    ...tested
      .filter((one) => one.held)
      .slice(0, MAX_HELD)
      .map(({ value }) => heldValue(value, slot)),
    ...tellMisses(item, tested, { slot, view, misses: !held }),
  ];
  return {
    kind: 'line',
    held,
    ...(item.field === undefined ? {} : { field: item.field }),
    modifiers: item.modifiers,
    all: item.all,
    negated: item.negated,
    exists: slot.read().exists,
    ...pathTaken(item, view),
    found: item.field === undefined ? [] : foundTexts(slot),
    values,
    untold: item.values.length - values.length,
  };
}

interface Tested {
  readonly value: ValueSpec;
  readonly held: boolean;
}

function heldValue(value: ValueSpec, slot: FieldSlot): ExplainedValue {
  return { held: true, shown: value.shown, value: witnessOf(value.test, slot).slice(0, MAX_CHARS) };
}

/** The misses worth telling: of a line that should have held, the nearest; of `neq`, the values it kept away from. */
function tellMisses(
  item: ItemSpec,
  tested: readonly Tested[],
  { slot, view, misses }: { slot: FieldSlot; view: EventView; misses: boolean },
): ExplainedValue[] {
  const missed = tested.filter(({ held }) => !held).map(({ value }) => value);
  if (item.negated) return missed.slice(0, MAX_HELD).map(({ shown }) => ({ held: false, shown }));
  if (!misses) return [];
  const ranked: { value: ValueSpec; found: RankedMiss }[] = missed
    .slice(0, MAX_WEIGHED)
    .map((value) => ({ value, found: findMiss(value.test, item, { slot, view }) }));
  return ranked
    .sort((a, b) => b.found.nearness - a.found.nearness)
    .slice(0, MAX_MISSES)
    .map(({ value, found }) => ({ held: false, shown: value.shown, miss: found.miss }));
}

function foundTexts(slot: FieldSlot): string[] {
  return slot
    .read()
    .values.slice(0, MAX_FOUND)
    .map((value) => (isScalar(value) ? String(value) : value === null ? 'null' : 'an object').slice(0, MAX_CHARS));
}

/** The path that a field was read from, where the log source keeps it under another name. */
function pathTaken(item: ItemSpec, view: EventView): { path?: string } {
  if (item.field === undefined) return {};
  const path = pathsOf(item.field, view.logSource).find((one) => resolveField(one, undefined)(view.fields).exists);
  return path === undefined || path === item.field ? {} : { path };
}
