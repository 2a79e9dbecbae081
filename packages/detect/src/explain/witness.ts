/** Which of the event's values made a test hold. */
import { overText } from '../compile/compile-item.ts';
import { type FieldSlot, isScalar } from '../compile/event-view.ts';
import { numberTest } from '../compile/number-test.ts';
import type { ValueTest } from '../parse/item-spec.ts';

/** The first value that makes the test hold, as text; empty where it is about absence. Call only when it holds. */
export function witnessOf(test: ValueTest, slot: FieldSlot): string {
  if (test.kind === 'text' || test.kind === 'regex' || test.kind === 'cidr') {
    const seen = test.kind === 'text' && !test.cased ? slot.folded() : slot.texts();
    return slot.texts()[seen.findIndex(overText(test))] ?? '';
  }
  if (test.kind === 'number') {
    const found = slot.read().values.find(numberTest(test.comparison, test.limit, test.part));
    return isScalar(found) ? String(found) : '';
  }
  return slot.texts()[0] ?? '';
}
