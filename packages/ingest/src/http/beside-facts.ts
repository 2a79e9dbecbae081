/**
 * Facts that a transport carries beside a record (host, source type, labels, resource attributes) become members of it, so that rules and
 * mappings can read them. A JSON object keeps its bytes and gets the facts ahead of its own members, which count where names are the same
 * (ECMA-262 JSON.parse: the last one does); text becomes an object with the text as `message`.
 */

import { splitJsonObject } from '@tocsin/core';

/** Facts written as JSON members, without braces: `"host":"a","sourcetype":"b"`; empty for none. */
export type BesideFacts = string;

/** Members out of names and values; values that are undefined or null are left out. */
export function besideFacts(facts: Iterable<readonly [string, unknown]>): BesideFacts {
  const members: string[] = [];
  for (const [name, value] of facts) {
    const text = value === undefined || value === null ? undefined : JSON.stringify(value);
    if (text !== undefined) members.push(`${JSON.stringify(name)}:${text}`);
  }
  return members.join(',');
}

/** Whether bytes look like a JSON object: the first one after white space is its brace. */
export function isObjectText(bytes: Uint8Array): boolean {
  return bytes[afterSpace(bytes, 0)] === OPEN_OBJECT;
}

/** A record that is a JSON object, with the facts in it. Without facts the bytes themselves. */
export function dressObject(record: Uint8Array, facts: BesideFacts): Uint8Array {
  if (facts === '') return record;
  const open = afterSpace(record, 0) + 1;
  const isEmpty = record[afterSpace(record, open)] === CLOSE_OBJECT;
  const head = Buffer.from(isEmpty ? `{${facts}` : `{${facts},`);
  return Buffer.concat([head, record.subarray(open)], head.length + record.length - open);
}

/** A record that is text, as an object with the facts. */
export function dressText(text: string, facts: BesideFacts): Uint8Array {
  return Buffer.from(facts === '' ? `{"message":${JSON.stringify(text)}}` : `{${facts},"message":${JSON.stringify(text)}}`);
}

/** Most members of a line that is an object. */
const MAX_MEMBERS = 10_000;

/** A line as it came, object or text. Text that only begins like an object stays text; bytes that are no UTF-8 read as U+FFFD. */
export function dressLine(line: Uint8Array, facts: BesideFacts): Uint8Array {
  const isObject =
    isObjectText(line) && splitJsonObject(line, { maxDepth: Number.POSITIVE_INFINITY, maxPieces: MAX_MEMBERS }).failure === undefined;
  return isObject ? dressObject(line, facts) : dressText(lenientUtf8.decode(line), facts);
}

const lenientUtf8 = new TextDecoder();
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

function afterSpace(bytes: Uint8Array, from: number): number {
  let at = from;
  while (bytes[at] === 0x20 || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x09) at++;
  return at;
}
