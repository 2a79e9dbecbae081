/**
 * Which lines of a detection exclude one another: found by asking the lines themselves about the few values that an exact line allows.
 * Lists are left aside: a field with several values may satisfy both of two exact lines, which is said where a conflict is reported.
 */
import { compileItem } from '../compile/compile-item.ts';
import { EventView, foldCase } from '../compile/event-view.ts';
import type { ItemSpec } from '../parse/item-spec.ts';
import type { Selection } from '../parse/parsed-rule.ts';
import type { TextPattern } from '../parse/text-pattern.ts';

/** Lines that hold together. */
export type Alternative = readonly ItemSpec[];

const MAX_ALTERNATIVES = 64;
/** Values of an exact line that are tried. */
const MAX_VALUES = 256;

/** A selection as alternatives, each a set of lines that must all hold; undefined where there are too many to look at. */
export function alternativesOf(selection: Selection): readonly Alternative[] | undefined {
  if (selection.kind === 'item') return [[selection.item]];
  const parts = selection.parts.map(alternativesOf);
  if (parts.some((part) => part === undefined)) return undefined;
  const known = parts as readonly (readonly Alternative[])[];
  const all = selection.kind === 'any' ? known.flat() : known.reduce<readonly Alternative[]>(cross, [[]]);
  return all.length > MAX_ALTERNATIVES ? undefined : all;
}

function cross(left: readonly Alternative[], right: readonly Alternative[]): readonly Alternative[] {
  if (left.length * right.length > MAX_ALTERNATIVES) return new Array<Alternative>(MAX_ALTERNATIVES + 1).fill([]);
  return left.flatMap((one) => right.map((other) => [...one, ...other]));
}

/** The first field that cannot satisfy all the lines with one value; undefined where none is sure to fail. */
export function conflictingField(lines: Alternative): string | undefined {
  for (const line of lines) {
    const values = line.field === undefined ? undefined : exactValues(line);
    if (values !== undefined && line.field !== undefined && !allows(line.field, values, lines)) return line.field;
  }
  return undefined;
}

/** Whether one of the values of a field satisfies every line about it. */
export function allows(field: string, values: readonly unknown[], lines: Alternative): boolean {
  const about = lines.filter((line) => line.field === field && !line.values.some(({ test }) => test.kind === 'fieldref'));
  if (about.length === 0) return true;
  const view = new EventView(undefined);
  const tests = about.map((line) => compileItem(line, view));
  return values.some((value) => {
    view.show(Object.fromEntries([[field, value]]));
    return tests.every((test) => test());
  });
}

/** The only values that satisfy a line, where it is about whole values; undefined where it leaves them open. */
function exactValues(line: ItemSpec): readonly string[] | undefined {
  if (line.negated || line.values.length > MAX_VALUES) return undefined;
  const values = line.values.flatMap(({ test }) =>
    test.kind === 'text'
      ? test.patterns.map((pattern) => ({ text: literalOf(pattern), cased: test.cased }))
      : [{ text: undefined, cased: false }],
  );
  if (values.some(({ text }) => text === undefined)) return undefined;
  return values.map(({ text = '', cased }) => (cased ? text : foldCase(text)));
}

/** The text of a pattern without wildcards. */
function literalOf(pattern: TextPattern): string | undefined {
  let text = '';
  for (const token of pattern) {
    if (token.kind !== 'char') return undefined;
    text += token.char;
  }
  return text;
}

/** Whether lines that hold make the others hold: each of those is among them word for word, or satisfied by every value they allow. */
export function implies(lines: Alternative, others: Alternative): boolean {
  const written = new Set(lines.map(keyOf));
  return others.every((other) => written.has(keyOf(other)) || satisfiedBy(lines, other));
}

function satisfiedBy(lines: Alternative, other: ItemSpec): boolean {
  const { field } = other;
  if (field === undefined || other.negated) return false;
  const exact = lines.find((line) => line.field === field && !line.all && exactValues(line) !== undefined);
  return exact !== undefined && (exactValues(exact) ?? []).every((value) => allows(field, [value], [other]) && isAbout(field, other));
}

/** Whether `allows` can judge the line at all: it looks at one field only. */
function isAbout(field: string, line: ItemSpec): boolean {
  return line.field === field && line.values.every(({ test }) => test.kind === 'text' || test.kind === 'regex' || test.kind === 'number');
}

function keyOf({ field, modifiers, values }: ItemSpec): string {
  return JSON.stringify([field ?? null, modifiers, values.map(({ shown }) => shown)]);
}
