/**
 * Fields of stored records for somebody who reads only some of their members again and again: most records are checked and only those members
 * read (`member-selector.ts`); what is unusual is decoded as a whole. The outcome is that of the record's decoder, less what was not asked for.
 */
import { Buffer } from 'node:buffer';
import type { Fields } from '@tocsin/core';
import { decoders, fieldsOf, isFormat } from './decoders.ts';
import { createMemberSelector, MAX_NAMES, type MemberSelector, NAMES_BYTES } from './member-selector.ts';
import { defaultDecodeLimits } from './record-decoder.ts';

/**
 * Fields of a record as `fieldsOf` gives them; with `members`, others of the first level may be missing. A set that is given again may have grown; what
 * was in it stays. Not for two records at a time.
 */
export type FieldsReader = (format: string, record: Uint8Array, members?: ReadonlySet<string>) => Fields | undefined;

/** A reader of stored records, within the limits of `fieldsOf` where none are given. */
export function createFieldsReader(): FieldsReader {
  const limits = defaultDecodeLimits;
  const selections = new WeakMap<ReadonlySet<string>, Selection>();
  return (format, record, members) => {
    const byMembers = members === undefined || !isFormat(format) ? undefined : decoders[format].byMembers;
    if (members === undefined || byMembers === undefined || record[0] !== OPEN_OBJECT) return fieldsOf(format, record);
    let selection = selections.get(members);
    if (selection === undefined) selections.set(members, (selection = new Selection()));
    const found = selection.selectorOf(members)?.select(record, limits);
    const read = found === undefined ? undefined : byMembers.read(record, found);
    return read !== undefined && 'fields' in read ? read.fields : fieldsOf(format, record);
  };
}

const OPEN_OBJECT = 0x7b;

/** The selector of one set of members. */
class Selection {
  #selector: MemberSelector | undefined;
  readonly #known = new Set<string>();
  #bytes = 0;
  #size = -1;
  #isTooMuch = false;

  /** A selector of all members of the set; undefined where they are more than one can hold, or have a name that no record can. */
  selectorOf(members: ReadonlySet<string>): MemberSelector | undefined {
    if (members.size !== this.#size) this.#grow(members);
    return this.#isTooMuch ? undefined : this.#selector;
  }

  #grow(members: ReadonlySet<string>): void {
    this.#size = members.size;
    this.#selector ??= createMemberSelector(new Set());
    for (const { byMembers } of Object.values<(typeof decoders)[keyof typeof decoders]>(decoders))
      for (const member of byMembers?.members ?? []) this.#want(member);
    for (const member of members) this.#want(member);
  }

  #want(member: string): void {
    if (this.#isTooMuch || this.#known.has(member)) return;
    this.#known.add(member);
    this.#bytes += Buffer.byteLength(member);
    this.#isTooMuch = this.#known.size > MAX_NAMES || this.#bytes > NAMES_BYTES - MARGIN_BYTES || !member.isWellFormed();
    if (!this.#isTooMuch) this.#selector?.want(member);
  }
}

/** Left free behind the names. */
const MARGIN_BYTES = 64;
