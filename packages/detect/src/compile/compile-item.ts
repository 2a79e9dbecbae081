/** One line of a detection as a function of the event. Why it held or did not is said by `explain/`. */
import type { ItemSpec, ValueSpec, ValueTest } from '../parse/item-spec.ts';
import { literalPattern, surround } from '../parse/text-pattern.ts';
import { inCidr, parseCidr } from './cidr.ts';
import type { EventView, FieldSlot } from './event-view.ts';
import { anyPattern, type TextTest } from './match-pattern.ts';
import { numberTest } from './number-test.ts';
import { regexTest } from './regex/regex-test.ts';

/** Whether the event shown by the view satisfies something. */
export type EventTest = () => boolean;

/** Compiles a line for the events that `view` will show. */
export function compileItem(item: ItemSpec, view: EventView): EventTest {
  const holds = lineTest(item, view.slot(item.field), view);
  return item.negated ? () => !holds() : holds;
}

function lineTest(item: ItemSpec, slot: FieldSlot, view: EventView): EventTest {
  if (item.values.length === 1) return valueTest((item.values[0] as ValueSpec).test, slot, view);
  if (item.all) {
    const tests = item.values.map((value) => valueTest(value.test, slot, view));
    return () => tests.every((test) => test());
  }
  // Values of like kind are tested together, so that a thousand exact values cost one look-up.
  const merged = mergeTexts(item.values);
  const tests = merged.map((test) => valueTest(test, slot, view));
  return tests.length === 1 ? (tests[0] as EventTest) : () => tests.some((test) => test());
}

function mergeTexts(values: readonly ValueSpec[]): ValueTest[] {
  const texts = values.flatMap(({ test }) => (test.kind === 'text' ? [test] : []));
  const others = values.flatMap(({ test }) => (test.kind === 'text' ? [] : [test]));
  const first = texts[0];
  return first === undefined ? others : [{ kind: 'text', cased: first.cased, patterns: texts.flatMap((test) => test.patterns) }, ...others];
}

/** Test of one value over what a slot of the view holds. */
export function valueTest(test: ValueTest, slot: FieldSlot, view: EventView): EventTest {
  switch (test.kind) {
    case 'null':
      return () => !slot.read().exists || slot.read().values.includes(null);
    case 'exists':
      return () => slot.read().exists === test.expected;
    case 'placeholder':
      return () => false;
    case 'number': {
      const holds = numberTest(test.comparison, test.limit, test.part);
      return () => slot.read().values.some(holds);
    }
    case 'fieldref':
      return fieldrefTest(test, slot, view.slot(test.field));
    default:
      return textTest(test, slot);
  }
}

/** What is tested over text. */
export type TextValueTest = Extract<ValueTest, { kind: 'text' | 'regex' | 'cidr' }>;

function textTest(test: TextValueTest, slot: FieldSlot): EventTest {
  const holds = overText(test);
  const folds = test.kind === 'text' && !test.cased;
  return () => {
    const texts = folds ? slot.folded() : slot.texts();
    if (texts.length === 1) return holds(texts[0] as string);
    for (const text of texts) if (holds(text)) return true;
    return false;
  };
}

/** Test of one text, as the test's modifiers ask; case is folded by the caller unless the test is cased. */
export function overText(test: TextValueTest): TextTest {
  if (test.kind === 'text') return anyPattern(test.patterns, test.cased);
  if (test.kind === 'regex') return regexTest(test.source, test.flags);
  const range = parseCidr(test.range);
  return (text) => range !== undefined && inCidr(range, text);
}

function fieldrefTest(test: Extract<ValueTest, { kind: 'fieldref' }>, slot: FieldSlot, other: FieldSlot): EventTest {
  const textsOf = (one: FieldSlot): readonly string[] => (test.cased ? one.texts() : one.folded());
  return () =>
    textsOf(other).some((wanted) => {
      if (test.side === undefined) return textsOf(slot).includes(wanted);
      const holds = anyPattern([surround(literalPattern(wanted), test.side)], true);
      return textsOf(slot).some(holds);
    });
}
