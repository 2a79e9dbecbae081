/**
 * One event as the compiled rules of a log source see it: each field is read, turned into text and folded to lower case at
 * most once per event, whoever asks. Not for two events at a time: `show` replaces the one before. It may be shown with only the members that
 * were ever asked for; whoever asks for more gets it out of the whole event.
 */
import type { Fields, LogSource } from '@tocsin/core';
import { type FieldReader, type FieldValues, membersOf, resolveField } from './field-reader.ts';

/** Text without case. The two small sigmas are one letter. */
export function foldCase(text: string): string {
  const lower = text.toLowerCase();
  return lower.includes('\u03c2') ? lower.replaceAll('\u03c2', '\u03c3') : lower;
}

/** Whether a value is compared as text: strings, numbers and booleans. */
export function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

/** The event being judged, with its fields read on demand. */
export class EventView {
  /** Where the event's fields are kept; undefined where they are read as written. */
  readonly logSource: LogSource | undefined;
  readonly #slots = new Map<string, FieldSlot>();
  readonly #keywords: FieldSlot;
  readonly #members = new Set<string>();
  #fields: Fields = {};
  /** Gives the whole event; undefined where that is shown already. */
  #whole: (() => Fields | undefined) | undefined;
  /** Slots whose fields can be read out of what is shown: the first so many. */
  #covered = 0;
  #epoch = 0;

  constructor(logSource: LogSource | undefined) {
    this.logSource = logSource;
    this.#keywords = new FieldSlot(this, Number.POSITIVE_INFINITY, (fields) => ({ exists: true, values: searchable(fields) }));
  }

  /** Names of the members of the first level that the fields asked for so far may lie in. Grows. */
  get members(): ReadonlySet<string> {
    return this.#members;
  }

  /** Takes the next event: the whole of it, or, with `whole` to get the rest, what `members` said. */
  show(fields: Fields, whole?: () => Fields | undefined): void {
    this.#fields = fields;
    this.#whole = whole;
    this.#covered = this.#slots.size;
    this.#epoch += 1;
  }

  get fields(): Fields {
    if (this.#whole !== undefined) {
      this.#fields = this.#whole() ?? this.#fields;
      this.#whole = undefined;
    }
    return this.#fields;
  }

  /** The event as far as the slot of this number needs it. */
  fieldsFor(slot: number): Fields {
    return slot < this.#covered ? this.#fields : this.fields;
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** Slot of a field by the name rules use; without a name, of all text in the event. */
  slot(name: string | undefined): FieldSlot {
    if (name === undefined) return this.#keywords;
    const known = this.#slots.get(name);
    if (known !== undefined) return known;
    const slot = new FieldSlot(this, this.#slots.size, resolveField(name, this.logSource));
    this.#slots.set(name, slot);
    for (const member of membersOf(name, this.logSource)) this.#members.add(member);
    return slot;
  }
}

/** One field of the event being judged. */
export class FieldSlot {
  readonly #view: EventView;
  readonly #number: number;
  readonly #reader: FieldReader;
  #epoch = -1;
  #found: FieldValues = { exists: false, values: [] };
  #texts: readonly string[] | undefined;
  #folded: readonly string[] | undefined;

  constructor(view: EventView, number: number, reader: FieldReader) {
    this.#view = view;
    this.#number = number;
    this.#reader = reader;
  }

  /** What the field holds. */
  read(): FieldValues {
    if (this.#epoch !== this.#view.epoch) {
      this.#texts = undefined;
      this.#folded = undefined;
      this.#found = this.#reader(this.#view.fieldsFor(this.#number));
      // Last: a reader that throws must not leave the values of the event before in force.
      this.#epoch = this.#view.epoch;
    }
    return this.#found;
  }

  /** Its scalar values as text. */
  texts(): readonly string[] {
    const { values } = this.read();
    this.#texts ??= textsOf(values);
    return this.#texts;
  }

  /** Its scalar values as text without case. */
  folded(): readonly string[] {
    const texts = this.texts();
    this.#folded ??= texts.map(foldCase);
    return this.#folded;
  }
}

function textsOf(values: readonly unknown[]): readonly string[] {
  const first = values[0];
  if (values.length === 1) return isScalar(first) ? [String(first)] : [];
  return values.filter(isScalar).map(String);
}

/** Every string and number anywhere in the event: what keywords are searched in. Keys are not. */
function searchable(fields: Fields): unknown[] {
  const found: unknown[] = [];
  const open: unknown[] = [fields];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value === 'string' || typeof value === 'number') found.push(value);
    else if (value !== null && typeof value === 'object') for (const inner of Object.values(value)) open.push(inner);
  }
  return found;
}
