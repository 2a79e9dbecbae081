/** The fields that the conditions of a format's mappings name, numbered, and their values in one record, each read at most once. */
import type { Fields } from '@tocsin/core';
import { type Containers, compileContainers, compileReader, type FieldReader } from './field-reader.ts';

/** How a mapping reads fields. */
interface Naming {
  readonly aliases: Readonly<Record<string, readonly string[]>>;
  readonly prefixes: readonly string[];
}

/** Numbers of fields, from 0: the same for whatever is read from the same places. */
export class FieldSlots {
  readonly readers: { readonly read: FieldReader; readonly prefixes: number }[] = [];
  readonly prefixSets: Containers[] = [];
  readonly #known = new Map<string, number>();
  readonly #byMember = new Map<string, number[]>();

  /** Number of a field as one mapping reads it. */
  of(field: string, { aliases, prefixes }: Naming): number {
    const set = this.#numberOf(`prefixes ${prefixes.join(' ')}`, () => this.prefixSets.push(compileContainers(prefixes)) - 1);
    const paths = aliases[field] ?? [field];
    return this.#numberOf(`${set} ${paths.join('\n')}`, () => {
      const slot = this.readers.push({ read: compileReader(field, aliases), prefixes: set }) - 1;
      this.#addMembers(slot, [...paths, ...prefixes]);
      return slot;
    });
  }

  /** Slots for which a record has a member that they could be read from. Looks at names only. */
  presentIn(fields: Fields): ReadonlySet<number> {
    return new Set(Object.keys(fields).flatMap((member) => this.#byMember.get(member) ?? []));
  }

  #addMembers(slot: number, paths: readonly string[]): void {
    const members = paths.flatMap((path) => (path.includes('.') ? [path, path.slice(0, path.indexOf('.'))] : [path]));
    for (const member of new Set(members)) this.#byMember.set(member, [...(this.#byMember.get(member) ?? []), slot]);
  }

  #numberOf(key: string, add: () => number): number {
    const found = this.#known.get(key) ?? add();
    this.#known.set(key, found);
    return found;
  }
}

/** Values of one record after the other, read when asked for. */
export class SlotValues {
  readonly #slots: FieldSlots;
  /** Of the present record where `#readIn` says so; null where nothing is there. */
  readonly #values: unknown[] = [];
  readonly #lowered: unknown[] = [];
  readonly #containers: (readonly Fields[] | undefined)[] = [];
  readonly #readIn: number[] = [];
  #record = 0;
  #fields: Fields = {};
  #present: ReadonlySet<number> = new Set();

  /** `slots` may get no more fields once a record has been begun. */
  constructor(slots: FieldSlots) {
    this.#slots = slots;
  }

  /** From now on values are those of this record. */
  begin(fields: Fields, present: ReadonlySet<number>): void {
    this.#fields = fields;
    this.#present = present;
    this.#record += 1;
    for (let set = 0; set < this.#slots.prefixSets.length; set++) this.#containers[set] = undefined;
  }

  /** Value of a field; null where nothing is there. */
  get(slot: number): unknown {
    if (this.#readIn[slot] !== this.#record) this.#read(slot);
    return this.#values[slot];
  }

  /** The value, in lower case where it is text. */
  lowered(slot: number): unknown {
    if (this.#readIn[slot] !== this.#record) this.#read(slot);
    return this.#lowered[slot];
  }

  #read(slot: number): void {
    const reader = this.#present.has(slot) ? this.#slots.readers[slot] : undefined;
    const value = reader?.read(this.#fields, this.#within(reader.prefixes)) ?? null;
    this.#values[slot] = value;
    this.#lowered[slot] = typeof value === 'string' ? value.toLowerCase() : value;
    this.#readIn[slot] = this.#record;
  }

  #within(set: number): readonly Fields[] {
    const known = this.#containers[set];
    if (known !== undefined) return known;
    const containers = this.#slots.prefixSets[set]?.(this.#fields) ?? [this.#fields];
    this.#containers[set] = containers;
    return containers;
  }
}
