/**
 * A record of any format of text: values of fields that rules name are found where they stand, next to their name where they have one
 * there. That nothing was missed is told by reading the record again, which is the caller's job.
 */
import type { Fields } from '@tocsin/core';
import type { FieldNames } from './field-names.ts';
import { eachFieldValue } from './field-values.ts';
import type { Conceal } from './keyed-values.ts';
import type { FieldAct } from './privacy-policy.ts';
import { type TextEdit, toBytesText } from './text-edits.ts';

/** A value that a rule names. */
export interface NamedValue {
  readonly name: string;
  readonly value: string;
  readonly act: FieldAct;
}

/** How far before a value its name may end, characters. */
const NAME_GAP = 6;

/** Values of a record's fields that rules name; what stands for "nothing" is left out. */
export function namedValues(fields: Fields, rules: FieldNames<FieldAct>): NamedValue[] {
  const found: NamedValue[] = [];
  eachFieldValue(fields, (names, value) => {
    if (value === '' || value === '-') return;
    const act = rules.find(names);
    if (act !== undefined) found.push({ name: lastPart(names.at(-1) ?? ''), value, act });
  });
  return found;
}

/** Where the values stand in a record given as bytes text. */
export function editsOf(text: string, values: readonly NamedValue[], conceal: Conceal): TextEdit[] {
  const lower = text.toLowerCase();
  return values.flatMap(({ name, value, act }) => {
    const instead = toBytesText(conceal(act, value));
    const places = formsOf(value).flatMap((form) => placesOf(text, form));
    const named = places.filter(({ from }) => isNamed(lower, from, toBytesText(name).toLowerCase()));
    return (named.length > 0 ? named : places).map((place) => ({ ...place, text: instead }));
  });
}

/** A value as it may be written: as such, and with the escapes of XML. */
function formsOf(value: string): string[] {
  const plain = toBytesText(value);
  const xml = plain.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  const quoted = xml.replaceAll('"', '&quot;').replaceAll("'", '&apos;');
  return [...new Set([plain, xml, quoted])];
}

/** Where a text stands as a word of its own. */
function placesOf(text: string, sought: string): { from: number; to: number }[] {
  const places: { from: number; to: number }[] = [];
  for (let from = text.indexOf(sought); from !== -1; from = text.indexOf(sought, from + sought.length)) {
    const to = from + sought.length;
    if (!isWord(text.charCodeAt(from - 1)) && !isWord(text.charCodeAt(to))) places.push({ from, to });
  }
  return places;
}

/** Whether the name ends just before a place: `name=`, `"name": "`, `<Data Name='name'>`. */
function isNamed(lower: string, from: number, name: string): boolean {
  const before = lower.slice(Math.max(0, from - NAME_GAP - name.length), from);
  const at = before.lastIndexOf(name);
  return at >= 0 && /^["']?\s?[=:>]\s?["']?$/.test(before.slice(at + name.length));
}

function isWord(unit: number): boolean {
  return (
    (unit >= 0x30 && unit <= 0x39) || (unit >= 0x41 && unit <= 0x5a) || (unit >= 0x61 && unit <= 0x7a) || unit === 0x5f || unit >= 0x80
  );
}

function lastPart(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1);
}
