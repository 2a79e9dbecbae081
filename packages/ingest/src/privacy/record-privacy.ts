/**
 * A source's policy made fast: what becomes of each record before it is framed. What it names never reaches the log: where that cannot be
 * made sure the record is refused, not stored. The same record becomes the same bytes whenever it comes, so ids and resends hold.
 */
import { createHash } from 'node:crypto';
import { type Secret, TocsinError } from '@tocsin/core';
import { decoders, isFormat } from '../decoders/decoders.ts';
import type { AcceptedRecord, DecodeLimits } from '../decoders/record-decoder.ts';
import type { Envelope, Refusal } from '../source.ts';
import { compileDropRules } from './drop-rules.ts';
import { FieldNames } from './field-names.ts';
import { findSecrets } from './find-secrets.ts';
import { treatJson } from './json-record.ts';
import { type Conceal, createConceal } from './keyed-values.ts';
import { editsOf, type NamedValue, namedValues } from './line-record.ts';
import { type FieldAct, type PrivacyPolicy, policyConceals } from './privacy-policy.ts';
import { applyEdits, fromBytesText, type TextEdit, toBytesText } from './text-edits.ts';

/** What became of a record. */
export type Treated =
  | { readonly kind: 'kept'; readonly record: AcceptedRecord; readonly hasSecret: boolean }
  | { readonly kind: 'dropped'; readonly rule: string }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** A policy in force. */
export interface RecordPrivacy {
  /** Whether it conceals anything: then nothing is kept as it came, not even what was refused. */
  readonly conceals: boolean;
  /** Treats a record with all of its fields. */
  treat(record: AcceptedRecord, limits: DecodeLimits): Treated;
  /** What came beside a record, without secrets. */
  envelope(envelope: Envelope | undefined): Envelope | undefined;
  /** An id in place of one that the record may not say: the same for the same. */
  alias(id: string): string;
}

/** Whose policy it is, and the key where there is one. */
export interface PrivacyOwner {
  readonly tenant: string;
  readonly source: string;
  readonly key: Secret | undefined;
}

/** Shortest key, characters. */
const MIN_KEY_CHARS = 16;

/** Makes a policy fast; undefined where it says nothing. @throws privacy.no_key where it needs a key and there is none, or one too short */
export function compilePrivacy(policy: PrivacyPolicy, { tenant, source, key }: PrivacyOwner): RecordPrivacy | undefined {
  const { secrets = 'off', drop = [], fields = [] } = policy;
  if (secrets === 'off' && drop.length === 0 && fields.length === 0) return undefined;
  const isKeyed = fields.some(({ act }) => act !== 'mask');
  if (isKeyed && (key === undefined || key.reveal().length < MIN_KEY_CHARS)) throw new TocsinError('privacy.no_key', { source });
  const rules = new FieldNames<FieldAct>();
  for (const { field, act } of fields) rules.add(field, act);
  const conceal = createConceal(key, tenant);
  return new CompiledPrivacy({
    conceals: policyConceals(policy),
    secrets,
    rules,
    conceal,
    dropRule: drop.length > 0 ? compileDropRules(drop) : undefined,
  });
}

interface Compiled {
  readonly conceals: boolean;
  readonly secrets: 'off' | 'flag' | 'mask';
  readonly rules: FieldNames<FieldAct>;
  readonly conceal: Conceal;
  readonly dropRule: ((fields: AcceptedRecord['fields']) => string | undefined) | undefined;
}

class CompiledPrivacy implements RecordPrivacy {
  readonly #use: Compiled;

  constructor(use: Compiled) {
    this.#use = use;
  }

  get conceals(): boolean {
    return this.#use.conceals;
  }

  treat(record: AcceptedRecord, limits: DecodeLimits): Treated {
    const { secrets, rules, dropRule } = this.#use;
    const rule = dropRule?.(record.fields);
    if (rule !== undefined) return { kind: 'dropped', rule };
    if (secrets === 'off' && rules.isEmpty) return { kind: 'kept', record, hasSecret: false };
    return record.record[0] === OPEN_OBJECT ? this.#treatJson(record, limits) : this.#treatText(record, limits);
  }

  envelope(envelope: Envelope | undefined): Envelope | undefined {
    if (envelope === undefined || this.#use.secrets !== 'mask') return envelope;
    const { id, fallbackId, subject } = envelope;
    return {
      ...envelope,
      id: id !== undefined && findSecrets(id).length > 0 ? this.alias(id) : id,
      fallbackId: fallbackId !== undefined && findSecrets(fallbackId).length > 0 ? this.alias(fallbackId) : fallbackId,
      subject: subject === undefined ? undefined : fromBytesText(masked(toBytesText(subject))),
    };
  }

  alias(id: string): string {
    // Keyed where there is a key: ids can be guessed.
    return createHash('sha256').update(this.#use.conceal('tokenise', id)).digest('hex').slice(0, 32);
  }

  #treatJson(record: AcceptedRecord, limits: DecodeLimits): Treated {
    const { secrets, rules, conceal } = this.#use;
    const text = bytesTextOf(record.record);
    const { byRule, secrets: found } = treatJson(text, { fields: rules, conceal, scans: secrets !== 'off' });
    return this.#rewrite(record, { text, byRule, found, limits });
  }

  #treatText(record: AcceptedRecord, limits: DecodeLimits): Treated {
    const { secrets, rules, conceal } = this.#use;
    const text = bytesTextOf(record.record);
    const named = rules.isEmpty ? [] : namedValues(record.fields, rules);
    if (named.length > MAX_NAMED) return notApplied(`it has more than ${MAX_NAMED} fields that its source conceals`);
    return this.#rewrite(record, {
      text,
      byRule: editsOf(text, named, conceal),
      found: secrets === 'off' ? [] : findSecrets(text),
      limits,
    });
  }

  #rewrite(
    record: AcceptedRecord,
    { text, byRule, found, limits }: { text: string; byRule: readonly TextEdit[]; found: readonly TextEdit[]; limits: DecodeLimits },
  ): Treated {
    const hasSecret = found.length > 0;
    const edits = this.#use.secrets === 'mask' ? [...byRule, ...found] : byRule;
    const once = edits.length === 0 ? record : readAgain(record.format, applyEdits(text, edits), limits);
    if (once === undefined) return notApplied(UNREADABLE);
    const left = this.#leftOf(record, once);
    if (left.length === 0) return { kind: 'kept', record: once, hasSecret };
    // Fields that stand inside a text of the record, such as those of a line that a container's JSON carries.
    const rest = bytesTextOf(once.record);
    const twice =
      left.length > MAX_NAMED ? undefined : readAgain(record.format, applyEdits(rest, editsOf(rest, left, this.#use.conceal)), limits);
    if (twice === undefined) return notApplied(UNREADABLE);
    if (this.#leftOf(record, twice).length > 0) return notApplied('a field that its source conceals could not be found in its text');
    return { kind: 'kept', record: twice, hasSecret };
  }

  /** Values that rules name and that are still there. */
  #leftOf(before: AcceptedRecord, after: AcceptedRecord): NamedValue[] {
    const { rules, conceal } = this.#use;
    if (rules.isEmpty) return [];
    const named = namedValues(before.fields, rules);
    if (named.length === 0) return [];
    const values = new Set(named.map(({ value }) => value));
    const same = namedValues(after.fields, rules).filter(({ value }) => values.has(value));
    if (same.length === 0) return [];
    // What this policy itself put there: a look tells nothing, since keys and session ids look like hashes.
    const made = new Set(named.map(({ act, value }) => conceal(act, value)));
    return same.filter(({ value }) => !made.has(value));
  }
}

/** Fields of one record of text that are looked for. */
const MAX_NAMED = 256;
const UNREADABLE = 'it cannot be read any more once its fields are replaced';

/** A record as it reads after a change; undefined where it does not. */
function readAgain(format: string, text: string, limits: DecodeLimits): AcceptedRecord | undefined {
  if (!isFormat(format)) return undefined;
  const [after, second] = decoders[format].decode(Buffer.from(text, 'latin1'), limits);
  return after === undefined || second !== undefined || 'rejected' in after ? undefined : after;
}

function notApplied(reason: string): Treated {
  const { code, message } = new TocsinError('privacy.not_applied', { reason });
  return { kind: 'refused', refusal: { code, reason: message } };
}

function bytesTextOf({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('latin1');
}

function masked(text: string): string {
  return applyEdits(text, findSecrets(text));
}

const OPEN_OBJECT = 0x7b;
