/**
 * A lane whose bodies are made once and stamped as they are sent: event times become those of the sending, and ids that records carry become ones of
 * their own, so that an hour of the same records is an hour of new events. The same stamps make the same bytes again, which is how the log is checked.
 */

import { ID_STEM, NUMBER_STEM, ORDINAL_DIGITS } from './own-ids.ts';

/** What a body is stamped with. */
export type Stamp = {
  /** Number of the request within the run. */
  readonly request: number;
  /** Event time, seconds since 1970. */
  readonly second: number;
};

/** Kinds of places, by what is written there; all of fixed width. */
type PlaceKind = 'iso' | 'epoch' | 'syslog' | 'id' | 'number';
type Place = { readonly at: number; readonly kind: PlaceKind; readonly index: number };
type Template = { readonly bytes: Buffer; readonly ends: readonly number[]; readonly places: readonly Place[] };

const PATTERNS: readonly (readonly [PlaceKind, RegExp])[] = [
  ['iso', /\b20[12]\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d/g],
  ['epoch', /(?<="ts":)\d{10}(?=\.000000)/g],
  ['syslog', /(?<="message":")[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?= )/g],
  ['id', new RegExp(`(?<="eventID":"${ID_STEM})0{${ORDINAL_DIGITS}}(?=")`, 'g')],
  ['number', new RegExp(`(?<="RecordNumber":"?${NUMBER_STEM})0{${ORDINAL_DIGITS}}(?!\\d)`, 'g')],
];

/** A lane of lines from `withOwnIds`, cut into bodies of so many. */
export class StampedLane {
  readonly batch: number;
  readonly #templates: readonly Template[];

  constructor(lines: readonly string[], batch: number) {
    this.batch = batch;
    this.#templates = Array.from({ length: Math.floor(lines.length / batch) }, (_, i) =>
      templateOf(lines.slice(i * batch, (i + 1) * batch)),
    );
  }

  /** Bytes that the largest body needs. */
  get maxBytes(): number {
    return Math.max(...this.#templates.map(({ bytes }) => bytes.length));
  }

  /** Events among all bodies, and their bytes. */
  get size(): { readonly events: number; readonly bytes: number } {
    const bytes = this.#templates.reduce((sum, template) => sum + template.bytes.length, 0);
    return { events: this.#templates.length * this.batch, bytes };
  }

  /** Writes the body of a request into `target` and answers the part that it fills. */
  write(target: Buffer, { request, second }: Stamp): Buffer {
    const { bytes, places } = this.#template(request);
    bytes.copy(target);
    const texts = textsOf(second);
    for (const { at, kind, index } of places) {
      if (kind === 'id' || kind === 'number') target.write(digits(request * this.batch + index, kind), at, 'latin1');
      else if (kind === 'iso') {
        target.write(texts.date, at, 'latin1');
        target.write(texts.time, at + texts.date.length + 1, 'latin1');
      } else target.write(texts[kind], at, 'latin1');
    }
    return target.subarray(0, bytes.length);
  }

  /** Where each line of a request's body ends, its line feed not counted. */
  ends(request: number): readonly number[] {
    return this.#template(request).ends;
  }

  #template(request: number): Template {
    return this.#templates[request % this.#templates.length] as Template;
  }
}

function digits(ordinal: number, kind: 'id' | 'number'): string {
  return ordinal.toString(kind === 'id' ? 16 : 10).padStart(ORDINAL_DIGITS, '0');
}

function templateOf(lines: readonly string[]): Template {
  const places: Place[] = [];
  const ends: number[] = [];
  let at = 0;
  for (const [index, line] of lines.entries()) {
    for (const [kind, pattern] of PATTERNS)
      for (const match of line.matchAll(pattern)) places.push({ at: at + Buffer.byteLength(line.slice(0, match.index)), kind, index });
    at += Buffer.byteLength(line);
    ends.push(at);
    at++;
  }
  return { bytes: Buffer.from(`${lines.join('\n')}\n`), ends, places };
}

let newest: { readonly second: number; readonly texts: ReturnType<typeof makeTexts> } | undefined;

/** Texts of the same second are made once. */
function textsOf(second: number): ReturnType<typeof makeTexts> {
  if (newest?.second !== second) newest = { second, texts: makeTexts(second) };
  return newest.texts;
}

function makeTexts(second: number): { date: string; time: string; epoch: string; syslog: string } {
  const date = new Date(second * 1000);
  const iso = date.toISOString();
  const syslog = `${date.toUTCString().slice(8, 11)} ${String(date.getUTCDate()).padStart(2, ' ')} ${iso.slice(11, 19)}`;
  return { date: iso.slice(0, 10), time: iso.slice(11, 19), epoch: String(second), syslog };
}
