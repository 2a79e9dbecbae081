/**
 * Why a value of a rule does not hold for an event, and how near it came. Nothing here decides a match: it looks at what the tests of
 * `compile/` have refused and tries it once more with one thing changed, such as case or a wildcard.
 */
import { RE2JS } from 're2js';
import { overText, valueTest } from '../compile/compile-item.ts';
import { type EventView, type FieldSlot, foldCase, isScalar } from '../compile/event-view.ts';
import { pathsOf } from '../compile/field-reader.ts';
import type { ItemSpec, NumberComparison, ValueTest } from '../parse/item-spec.ts';
import { type Side, surround, type TextPattern } from '../parse/text-pattern.ts';
import type { Miss } from './explained-rule.ts';
import { similarField } from './similar-field.ts';

/** A miss and its rank among the misses of its line: larger is nearer. */
export interface RankedMiss {
  readonly miss: Miss;
  readonly nearness: number;
}

/** Where a value was looked for. */
export interface LookedAt {
  readonly slot: FieldSlot;
  readonly view: EventView;
}

/** Why `test` does not hold. Call only when it does not. */
export function findMiss(test: ValueTest, item: Pick<ItemSpec, 'field'>, at: LookedAt): RankedMiss {
  if (test.kind === 'placeholder')
    return rank(0, { reason: 'needs_values', detail: `the rule needs values for ${test.names.map((name) => `%${name}%`).join(', ')}` });
  const { exists, values } = at.slot.read();
  if (test.kind === 'exists') return rank(0, existsMiss(test.expected, item));
  if (test.kind === 'null') return rank(0, { reason: 'different', detail: 'the field is there and not null' });
  if (item.field !== undefined && !exists) return rank(0, fieldMissing(item.field, at.view));
  if (!values.some(isScalar)) return rank(0, { reason: 'no_text', detail: sayNoText(values) });
  switch (test.kind) {
    case 'text':
      return textMiss(test, item, at.slot);
    case 'regex':
      return regexMiss(test, at);
    case 'number':
      return rank(1, numberMiss(test, at.slot));
    case 'cidr':
      return rank(1, cidrMiss(test.range, at.slot));
    default:
      return rank(1, fieldrefMiss(test, at));
  }
}

function rank(nearness: number, miss: Miss): RankedMiss {
  return { nearness, miss };
}

function existsMiss(expected: boolean, { field }: Pick<ItemSpec, 'field'>): Miss {
  return expected
    ? { reason: 'field_missing', detail: `the event has no field ${field ?? ''}` }
    : { reason: 'different', detail: `the event has the field ${field ?? ''}` };
}

function fieldMissing(field: string, view: EventView): Miss {
  const near = pathsOf(field, view.logSource)
    .map((path) => similarField(path, view.fields))
    .find((path) => path !== undefined);
  const detail = `the event has no field ${field}`;
  return near === undefined
    ? { reason: 'field_missing', detail }
    : { reason: 'field_missing', detail: `${detail}; it has ${near}, which no mapping calls so`, near };
}

function sayNoText(values: readonly unknown[]): string {
  if (values.length === 0) return 'the field holds an empty list';
  return values.every((value) => value === null) ? 'the field is null' : 'the field holds an object: name a field inside it';
}

/** Ranks of misses of one text: the nearer the fewer changes would make it hold. */
const NEAR_CASE = 1000;
const NEAR_SPACE = 900;
const NEAR_PART = 800;

function textMiss(test: Extract<ValueTest, { kind: 'text' }>, { field }: Pick<ItemSpec, 'field'>, slot: FieldSlot): RankedMiss {
  const folded = slot.folded();
  const isNear = (patterns: readonly TextPattern[], texts: readonly string[]): number =>
    texts.findIndex(overText({ kind: 'text', patterns, cased: false }));
  const valueAt = (index: number): string => cut(slot.texts()[index] ?? '');
  const inOtherCase = test.cased ? isNear(test.patterns, folded) : -1;
  if (inOtherCase >= 0)
    return rank(NEAR_CASE, { reason: 'case', detail: 'it differs in upper and lower case only', near: valueAt(inOtherCase) });
  const trimmed = isNear(
    test.patterns,
    folded.map((text) => text.trim()),
  );
  if (trimmed >= 0) return rank(NEAR_SPACE, { reason: 'space', detail: 'it has white space at an end', near: valueAt(trimmed) });
  if (field === undefined) return rank(1, { reason: 'different', detail: 'no text anywhere in the event holds it' });
  for (const side of ['startswith', 'endswith', 'contains'] as const) {
    const partly = isNear(
      test.patterns.map((pattern) => surround(pattern, side)),
      folded,
    );
    if (partly >= 0) return rank(NEAR_PART, { reason: 'part_only', detail: PART_WORDS[side], near: valueAt(partly) });
  }
  return differentText(test.patterns, slot);
}

const PART_WORDS: Readonly<Record<Side, string>> = {
  startswith: 'the value goes on behind it: |startswith, or * at the end, would hold',
  endswith: 'the value has more before it: |endswith, or * in front, would hold',
  contains: 'it stands elsewhere in the value: |contains would hold',
};

/** Ranked by how far the value and the pattern's first literal agree. */
function differentText(patterns: readonly TextPattern[], slot: FieldSlot): RankedMiss {
  let best = { common: 0, value: slot.texts()[0] ?? '' };
  slot.folded().forEach((text, index) => {
    for (const pattern of patterns.slice(0, 8)) {
      const common = commonStart(pattern, text);
      if (common > best.common) best = { common, value: slot.texts()[index] ?? '' };
    }
  });
  const detail = best.common > 2 ? `the value is different from character ${best.common + 1} on` : 'the value is different';
  return rank(1 + Math.min(best.common, NEAR_PART - 2), { reason: 'different', detail, near: cut(best.value) });
}

/** Characters at the start of a value that a pattern agrees with; none where it begins with a wildcard. */
function commonStart(pattern: TextPattern, folded: string): number {
  let at = 0;
  for (const token of pattern) {
    if (token.kind !== 'char' || !folded.startsWith(foldCase(token.char), at)) break;
    at += token.char.length;
  }
  return at;
}

function regexMiss(test: Extract<ValueTest, { kind: 'regex' }>, { slot }: LookedAt): RankedMiss {
  const inOtherCase = slot.texts().findIndex(overText({ ...test, flags: test.flags | RE2JS.CASE_INSENSITIVE }));
  return inOtherCase >= 0
    ? rank(NEAR_CASE, {
        reason: 'case',
        detail: 'it differs in upper and lower case only: |re|i would hold',
        near: cut(slot.texts()[inOtherCase] ?? ''),
      })
    : rank(1, { reason: 'different', detail: 'the expression is found nowhere in the value', near: cut(slot.texts()[0] ?? '') });
}

const COMPARISON_WORDS: Readonly<Record<NumberComparison, string>> = {
  lt: 'less than',
  lte: 'at most',
  gt: 'more than',
  gte: 'at least',
  eq: 'equal to',
};

function numberMiss(test: Extract<ValueTest, { kind: 'number' }>, slot: FieldSlot): Miss {
  const near = cut(slot.texts()[0] ?? '');
  const wanted = `${COMPARISON_WORDS[test.comparison]} ${test.limit}`;
  if (test.part !== undefined) return { reason: 'different', detail: `it is no time whose ${test.part} (UTC) is ${wanted}`, near };
  const isNumber = near.trim() !== '' && !Number.isNaN(Number(near));
  return isNumber ? { reason: 'different', detail: `it is not ${wanted}`, near } : { reason: 'kind', detail: 'it is no number', near };
}

function cidrMiss(range: string, slot: FieldSlot): Miss {
  const near = cut(slot.texts()[0] ?? '');
  const isAddress = ['0.0.0.0/0', '::/0'].some((all) => overText({ kind: 'cidr', range: all })(near));
  return isAddress
    ? { reason: 'different', detail: `the address is not in ${range}`, near }
    : { reason: 'kind', detail: 'it is no IP address', near };
}

function fieldrefMiss(test: Extract<ValueTest, { kind: 'fieldref' }>, { slot, view }: LookedAt): Miss {
  const other = view.slot(test.field);
  if (!other.read().exists) return fieldMissing(test.field, view);
  const near = cut(other.texts()[0] ?? '');
  if (test.cased && valueTest({ ...test, cased: false }, slot, view)())
    return { reason: 'case', detail: `it differs from ${test.field} in upper and lower case only`, near };
  return { reason: 'different', detail: `it is not what ${test.field} holds`, near };
}

function cut(text: string): string {
  return text.length <= 256 ? text : `${text.slice(0, 255)}…`;
}
