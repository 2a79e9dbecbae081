/**
 * A JSON object treated as text: values that rules name are replaced where they stand, secrets in texts are masked, everything else keeps
 * its bytes, so that large numbers, double members and spacing stay as they were. The text has been read as JSON before.
 */
import type { FieldNames } from './field-names.ts';
import { findSecrets, isSecretName, maskOf } from './find-secrets.ts';
import type { Conceal } from './keyed-values.ts';
import type { FieldAct } from './privacy-policy.ts';
import { applyEdits, fromBytesText, type TextEdit, toBytesText } from './text-edits.ts';

/** What is done to a record. */
export interface JsonTreatment {
  readonly fields: FieldNames<FieldAct>;
  readonly conceal: Conceal;
  /** Whether secrets are looked for. */
  readonly scans: boolean;
}

/** What is to be replaced in a record: by rules, and because it is a secret. */
export interface TreatmentEdits {
  readonly byRule: readonly TextEdit[];
  readonly secrets: readonly TextEdit[];
}

/** Edits of a record given as bytes text. */
export function treatJson(text: string, treatment: JsonTreatment): TreatmentEdits {
  const walk = new JsonWalk(text, treatment);
  walk.run();
  return walk;
}

/** One walk over one record. Each character is looked at a bounded number of times. */
class JsonWalk implements TreatmentEdits {
  readonly byRule: TextEdit[] = [];
  readonly secrets: TextEdit[] = [];
  readonly #text: string;
  readonly #treatment: JsonTreatment;
  /** Names from the root to where the walk is; a list adds none. */
  readonly #names: string[] = [];
  /** Open brackets; an object holds one name open. */
  readonly #open: ('object' | 'list')[] = [];
  #at = 0;

  constructor(text: string, treatment: JsonTreatment) {
    this.#text = text;
    this.#treatment = treatment;
  }

  run(): void {
    while (this.#at < this.#text.length) {
      const unit = this.#text.charCodeAt(this.#at);
      if (unit === QUOTE) this.#string();
      else if (unit === OPEN_OBJECT || unit === OPEN_LIST) this.#enter(unit);
      else if (unit === CLOSE_OBJECT || unit === CLOSE_LIST) this.#leave();
      else if (unit === COMMA) this.#next();
      else if (isNumberStart(unit)) this.#plain();
      else this.#at += 1;
    }
  }

  #enter(unit: number): void {
    this.#open.push(unit === OPEN_OBJECT ? 'object' : 'list');
    this.#at += 1;
    if (unit === OPEN_OBJECT) this.#member();
  }

  #leave(): void {
    if (this.#open.pop() === 'object') this.#names.pop();
    this.#at += 1;
  }

  #next(): void {
    this.#at += 1;
    if (this.#open.at(-1) !== 'object') return;
    this.#names.pop();
    this.#member();
  }

  /** Reads the name of a member; its value too where a rule names it. */
  #member(): void {
    const text = this.#text;
    while (this.#at < text.length && isSpace(text.charCodeAt(this.#at))) this.#at += 1;
    if (text.charCodeAt(this.#at) !== QUOTE) {
      // An empty object: its end takes a name away.
      this.#names.push('');
      return;
    }
    const end = endOfString(text, this.#at);
    this.#names.push(stringOf(text, this.#at, end));
    this.#at = end;
    while (this.#at < text.length && (isSpace(text.charCodeAt(this.#at)) || text.charCodeAt(this.#at) === COLON)) this.#at += 1;
    const act = this.#treatment.fields.find(this.#names);
    if (act !== undefined) this.#replaceValue(act);
    else if (this.#treatment.scans && text.charCodeAt(this.#at) === QUOTE && isSecretName(this.#names.at(-1) ?? ''))
      this.#maskSecretField();
  }

  #replaceValue(act: FieldAct): void {
    const from = this.#at;
    const to = endOfValue(this.#text, from);
    this.#at = to;
    const isText = this.#text.charCodeAt(from) === QUOTE;
    const value = isText ? stringOf(this.#text, from, to) : fromBytesText(this.#text.slice(from, to).trimEnd());
    if (value === 'null' && !isText) return;
    this.byRule.push({ from, to, text: JSON.stringify(this.#treatment.conceal(act, value)) });
  }

  #maskSecretField(): void {
    const from = this.#at;
    const to = endOfString(this.#text, from);
    // What is short is no secret; what is masked is none any more.
    if (to - from > 4 && this.#text.slice(from + 1, from + 4) !== '***')
      this.secrets.push({ from, to, text: JSON.stringify(maskOf('password')) });
    this.#at = to;
  }

  #string(): void {
    const from = this.#at;
    const to = endOfString(this.#text, from);
    this.#at = to;
    if (!this.#treatment.scans || to - from < 8) return;
    const raw = this.#text.slice(from + 1, to - 1);
    if (!raw.includes('\\')) {
      for (const edit of findSecrets(raw)) this.secrets.push({ ...edit, from: edit.from + from + 1, to: edit.to + from + 1 });
      return;
    }
    const plain = toBytesText(stringOf(this.#text, from, to));
    const edits = findSecrets(plain);
    if (edits.length > 0) this.secrets.push({ from, to, text: toBytesText(JSON.stringify(fromBytesText(applyEdits(plain, edits)))) });
  }

  #plain(): void {
    const from = this.#at;
    this.#at = endOfPlain(this.#text, from);
    if (!this.#treatment.scans || this.#at - from < 13) return;
    const [found] = findSecrets(this.#text.slice(from, this.#at));
    if (found !== undefined) this.secrets.push({ from, to: this.#at, text: JSON.stringify(found.text) });
  }
}

/** Index after a value that begins at `from`. */
function endOfValue(text: string, from: number): number {
  const first = text.charCodeAt(from);
  if (first === QUOTE) return endOfString(text, from);
  if (first !== OPEN_OBJECT && first !== OPEN_LIST) return endOfPlain(text, from);
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) at = endOfString(text, at) - 1;
    else if (unit === OPEN_OBJECT || unit === OPEN_LIST) depth += 1;
    else if ((unit === CLOSE_OBJECT || unit === CLOSE_LIST) && --depth === 0) return at + 1;
  }
  return text.length;
}

function endOfPlain(text: string, from: number): number {
  let at = from;
  while (at < text.length) {
    const unit = text.charCodeAt(at);
    if (unit === COMMA || unit === CLOSE_OBJECT || unit === CLOSE_LIST || isSpace(unit)) break;
    at += 1;
  }
  return at;
}

/** Index after the quote that ends the string begun at `from`. */
function endOfString(text: string, from: number): number {
  for (let at = text.indexOf('"', from + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    // A quote ends it unless an odd number of backslashes stands before it; no backslash is counted twice.
    let escapes = 0;
    while (text.charCodeAt(at - 1 - escapes) === BACKSLASH && at - 1 - escapes > from) escapes += 1;
    if (escapes % 2 === 0) return at + 1;
  }
  return text.length;
}

/** What a string says; its quotes are at `from` and before `to`. */
function stringOf(text: string, from: number, to: number): string {
  const raw = text.slice(from + 1, to - 1);
  return raw.includes('\\') ? (JSON.parse(`"${fromBytesText(raw)}"`) as string) : fromBytesText(raw);
}

function isSpace(unit: number): boolean {
  return unit === 0x20 || unit === 0x0a || unit === 0x0d || unit === 0x09;
}

function isNumberStart(unit: number): boolean {
  return (unit >= 0x30 && unit <= 0x39) || unit === 0x2d;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
