/**
 * Where the parts of an OTLP request in JSON stand, found in one walk. Only of requests that are as they should be: of any other nothing is said,
 * and whoever reads it goes level by level (`read-otlp-json.ts`), which also gives every refusal its reason.
 */
import { isUtf8 } from 'node:buffer';
import { ObjectScan } from '../decoders/object-scan.ts';

/** Start and end of a value. */
export interface ValueRange {
  readonly from: number;
  readonly to: number;
}

/** Logs of one scope. */
export interface ScopeLogsCut {
  readonly scope: ValueRange | undefined;
  /** Each a JSON object in UTF-8 that the parser reads. */
  readonly logs: readonly ValueRange[];
}

/** Scopes of one resource. */
export interface ResourceLogsCut {
  readonly resource: ValueRange | undefined;
  readonly scopeLogs: readonly ScopeLogsCut[];
}

/** Bounds of a cut; a request beyond any of them is not cut here. */
export interface CutBounds {
  /** Most elements of a list, and logs in all. */
  readonly maxRecords: number;
  /** Most members of an object of the request's own structure. */
  readonly maxMembers: number;
  /** Most members of a log, nested ones included. */
  readonly maxKeys: number;
}

/** Names of the request's structure as its Protocol Buffers spell them, which OTLP does not read as JSON, and how JSON spells them. */
export const MISSPELT: ReadonlyMap<string, string> = new Map([
  ['resource_logs', 'resourceLogs'],
  ['scope_logs', 'scopeLogs'],
  ['log_records', 'logRecords'],
]);

let scan: ObjectScan | undefined;

/** The parts of a request; undefined where it is not as it should be. */
export function cutOtlpJson(body: Uint8Array, bounds: CutBounds): readonly ResourceLogsCut[] | undefined {
  if (!isUtf8(body)) return undefined;
  scan ??= new ObjectScan([]);
  scan.open(body);
  try {
    return new RequestWalk(body, scan, bounds).request();
  } finally {
    scan.close();
  }
}

/** Where something was not as it should be. */
const IRREGULAR = -1;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
/** Longest name of a member of the request's own structure. */
const MAX_NAME_BYTES = 64;

/** Told of a value by the name of its member; gives the place behind it, or `IRREGULAR`. */
type Take = (name: string, at: number) => number;

class RequestWalk {
  readonly #bytes: Uint8Array;
  readonly #scan: ObjectScan;
  readonly #bounds: CutBounds;
  #logs = 0;

  constructor(bytes: Uint8Array, objects: ObjectScan, bounds: CutBounds) {
    this.#bytes = bytes;
    this.#scan = objects;
    this.#bounds = bounds;
  }

  request(): ResourceLogsCut[] | undefined {
    const resourceLogs: ResourceLogsCut[] = [];
    const end = this.#object(this.#afterSpace(0), {
      resourceLogs: (at) => this.#list(at, (element) => this.#resourceLogs(element, resourceLogs)),
    });
    return end !== IRREGULAR && this.#afterSpace(end) === this.#bytes.length ? resourceLogs : undefined;
  }

  #resourceLogs(at: number, into: ResourceLogsCut[]): number {
    const scopeLogs: ScopeLogsCut[] = [];
    let resource: ValueRange | undefined;
    const end = this.#object(at, {
      resource: (from) => this.#whole(from, (range) => (resource = range)),
      scopeLogs: (from) => this.#list(from, (element) => this.#scopeLogs(element, scopeLogs)),
    });
    into.push({ resource, scopeLogs });
    return end;
  }

  #scopeLogs(at: number, into: ScopeLogsCut[]): number {
    const logs: ValueRange[] = [];
    let scope: ValueRange | undefined;
    const end = this.#object(at, {
      scope: (from) => this.#whole(from, (range) => (scope = range)),
      logRecords: (from) => this.#list(from, (element) => this.#log(element, logs)),
    });
    into.push({ scope, logs });
    return end;
  }

  #log(at: number, into: ValueRange[]): number {
    this.#logs += 1;
    return this.#logs > this.#bounds.maxRecords ? IRREGULAR : this.#whole(at, (range) => into.push(range));
  }

  /** An object that is left to whoever reads it. */
  #whole(at: number, take: (range: ValueRange) => void): number {
    if (this.#bytes[at] !== OPEN_OBJECT || !this.#scan.read(at, this.#bounds)) return IRREGULAR;
    const to = this.#scan.end;
    take({ from: at, to });
    return to;
  }

  /** An object of the structure: members by these names, each at most once, and others, which are passed over; one of them misspelt is for whoever says so. */
  #object(at: number, known: Readonly<Record<string, (at: number) => number>>): number {
    const seen = new Set<string>();
    return this.#members(at, (name, from) => {
      if (!Object.hasOwn(known, name)) return MISSPELT.has(name) ? IRREGULAR : this.#skip(from);
      if (seen.has(name)) return IRREGULAR;
      seen.add(name);
      return known[name]?.(from) ?? IRREGULAR;
    });
  }

  #members(start: number, take: Take): number {
    if (this.#bytes[start] !== OPEN_OBJECT) return IRREGULAR;
    let at = this.#afterSpace(start + 1);
    if (this.#bytes[at] === CLOSE_OBJECT) return at + 1;
    for (let members = 0; members < this.#bounds.maxMembers; members++) {
      const nameEnd = this.#endOfName(at);
      const colon = this.#afterSpace(nameEnd);
      if (nameEnd === IRREGULAR || this.#bytes[colon] !== COLON) return IRREGULAR;
      const end = take(this.#text(at + 1, nameEnd - 1), this.#afterSpace(colon + 1));
      if (end === IRREGULAR) return IRREGULAR;
      at = this.#afterSpace(end);
      if (this.#bytes[at] === CLOSE_OBJECT) return at + 1;
      if (this.#bytes[at] !== COMMA) return IRREGULAR;
      at = this.#afterSpace(at + 1);
    }
    return IRREGULAR;
  }

  #list(start: number, element: (at: number) => number): number {
    if (this.#bytes[start] !== OPEN_ARRAY) return IRREGULAR;
    let at = this.#afterSpace(start + 1);
    if (this.#bytes[at] === CLOSE_ARRAY) return at + 1;
    for (let elements = 0; elements < this.#bounds.maxRecords; elements++) {
      const end = element(at);
      if (end === IRREGULAR) return IRREGULAR;
      at = this.#afterSpace(end);
      if (this.#bytes[at] === CLOSE_ARRAY) return at + 1;
      if (this.#bytes[at] !== COMMA) return IRREGULAR;
      at = this.#afterSpace(at + 1);
    }
    return IRREGULAR;
  }

  /** One past a value that nobody asks for: text without escapes, an object, or a word. */
  #skip(at: number): number {
    const first = this.#bytes[at];
    if (first === QUOTE) return this.#endOfText(at);
    if (first === OPEN_OBJECT) return this.#whole(at, () => undefined);
    let end = at;
    while (isOfWord(this.#bytes[end])) end++;
    return end === at ? IRREGULAR : end;
  }

  #endOfName(at: number): number {
    const end = this.#endOfText(at);
    return end - at > MAX_NAME_BYTES ? IRREGULAR : end;
  }

  #endOfText(at: number): number {
    if (this.#bytes[at] !== QUOTE) return IRREGULAR;
    let end = at + 1;
    while (end < this.#bytes.length && this.#bytes[end] !== QUOTE && this.#bytes[end] !== BACKSLASH) end++;
    return this.#bytes[end] === QUOTE ? end + 1 : IRREGULAR;
  }

  #text(from: number, to: number): string {
    return String.fromCharCode(...this.#bytes.subarray(from, to));
  }

  #afterSpace(from: number): number {
    let at = from;
    while (this.#bytes[at] === 0x20 || this.#bytes[at] === 0x0a || this.#bytes[at] === 0x0d || this.#bytes[at] === 0x09) at++;
    return at;
  }
}

/** Letters, digits and signs that numbers and words are made of. */
function isOfWord(byte: number | undefined): boolean {
  return (
    byte !== undefined &&
    ((byte >= 0x30 && byte <= 0x39) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a) || byte === 0x2d || byte === 0x2e || byte === 0x2b)
  );
}
