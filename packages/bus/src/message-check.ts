/**
 * What every adapter refuses before it sends anything: commits that cannot be one unit, messages too large, ids, headers
 * and keys that some bus could not carry unchanged. One copy, so that two adapters never differ in what they take.
 */
import { TocsinError } from '@tocsin/core';
import type { Guarantees, Outgoing, Plan, SubscribeOptions } from './event-bus.ts';
import { checkFilter, checkSubject } from './subject-filter.ts';

/** Longest message id, in characters. */
const MAX_ID_CHARACTERS = 256;
/** Largest value in a state bucket, bytes. */
const MAX_STATE_BYTES = 512 * 1024;

const MAX_KEY_CHARACTERS = 512;
/** Most messages or bytes a subscription may ask to hold. */
const MAX_IN_FLIGHT = 2 ** 31 - 1;
/** The last moment that buses can write down as a date. */
const MAX_PLAN_MS = Date.UTC(9999, 11, 31);
const ID = /^[!-~]+$/;
const HEADER_NAME = /^[A-Za-z][A-Za-z0-9-]{0,63}$/;
/** Printable ASCII that neither begins nor ends with a space: carried by every bus without trimming. */
const HEADER_VALUE = /^(?:[!-~](?:[ -~]*[!-~])?)?$/;
/** `_kv` at the beginning is reserved by the JetStream key-value convention (NATS ADR-8). */
const KEY = /^(?!_kv)[A-Za-z0-9_=-]+(?:\.[A-Za-z0-9_=-]+)*$/;
const GROUP = /^[A-Za-z0-9_-]{1,128}$/;

/**
 * Checks a commit as a whole: at most `maxCommitMessages`, well-formed subjects, ids and headers, no id twice, none too
 * large, and an expectation only on a subject's first message, because nobody can know the position of the one before.
 * @throws bus.bad_commit, bus.bad_subject, bus.bad_request, bus.too_large
 */
export function checkCommit(messages: readonly Outgoing[], limits: Pick<Guarantees, 'maxCommitMessages' | 'maxMessageBytes'>): void {
  if (messages.length > limits.maxCommitMessages)
    throw badCommit(`it has ${messages.length} messages and the bus takes ${limits.maxCommitMessages}`);
  const ids = new Set<string>();
  const subjects = new Set<string>();
  for (const message of messages) {
    checkSubject(message.subject);
    checkId(message.id);
    checkHeaders(message.headers ?? {});
    if (message.plan !== undefined) checkPlan(message, message.plan, messages.length);
    if (ids.has(message.id)) throw badCommit(`two of its messages have the id ${JSON.stringify(message.id)}`);
    if (message.expect !== undefined && subjects.has(message.subject)) {
      throw badCommit(`a later message for ${message.subject} expects a position, which only the first can`);
    }
    ids.add(message.id);
    subjects.add(message.subject);
    const bytes = messageBytes(message);
    if (bytes > limits.maxMessageBytes)
      throw new TocsinError('bus.too_large', { subject: message.subject, bytes, maxBytes: limits.maxMessageBytes });
  }
}

/** Size of a message against `maxMessageBytes`: body, id, and headers with their line marks. */
export function messageBytes(message: Pick<Outgoing, 'id' | 'headers' | 'body'>): number {
  let bytes = message.body.byteLength + message.id.length;
  for (const [name, value] of Object.entries(message.headers ?? {})) bytes += name.length + value.length + 4;
  return bytes;
}

/** Checks filter, group name and limits of a subscription. @throws bus.bad_subject, bus.bad_request */
export function checkSubscribe(filter: string, options: SubscribeOptions): void {
  checkFilter(filter);
  if (!GROUP.test(options.group)) throw badRequest(`group ${show(options.group)}`, 'it is not 1 to 128 letters, digits, - and _');
  for (const field of ['maxBytes', 'maxMessages', 'ackWaitMs'] as const) {
    const value = options[field];
    if (value === undefined) continue;
    if (!Number.isInteger(value) || value < 1 || value > MAX_IN_FLIGHT) throw badRequest(`${field} ${value}`, 'it is not 1 to 2^31-1');
  }
}

/** The key itself when it is one: tokens of letters, digits, `-`, `_`, `=` joined by dots, not beginning with `_kv`. @throws bus.bad_request */
export function checkKey(key: string): string {
  if (typeof key === 'string' && key.length <= MAX_KEY_CHARACTERS && KEY.test(key)) return key;
  throw badRequest(`key ${show(key)}`, 'it is not at most 512 letters, digits, -, _, = in tokens joined by dots, or begins with _kv');
}

/** Checks a value for a bucket. @throws bus.too_large */
export function checkStateValue(bucket: string, key: string, value: Uint8Array): void {
  if (value.byteLength <= MAX_STATE_BYTES) return;
  throw new TocsinError('bus.too_large', { subject: `${bucket}/${key}`, bytes: value.byteLength, maxBytes: MAX_STATE_BYTES });
}

/** A refusal of an argument, naming it. */
export function badRequest(what: string, reason: string): TocsinError {
  return new TocsinError('bus.bad_request', { what, reason });
}

function checkId(id: string): void {
  if (typeof id === 'string' && id.length <= MAX_ID_CHARACTERS && ID.test(id)) return;
  throw badRequest(`message id ${show(id)}`, `it is not 1 to ${MAX_ID_CHARACTERS} printable ASCII characters without spaces`);
}

/** Checks names and values of headers. @throws bus.bad_request */
export function checkHeaders(headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) {
    if (!HEADER_NAME.test(name) || /^nats-/i.test(name)) {
      throw badRequest(
        `header ${show(name)}`,
        "its name is not 1 to 64 letters, digits and -, or begins with Nats-, which is the bus's own",
      );
    }
    if (typeof value !== 'string' || !HEADER_VALUE.test(value)) {
      throw badRequest(`header ${name}`, 'its value is not printable ASCII, or begins or ends with a space');
    }
  }
}

function checkPlan({ subject }: Outgoing, { subject: target, atMs }: Plan, messages: number): void {
  checkSubject(target);
  if (messages > 1) throw badCommit('it has a plan among several messages, and a plan is committed alone');
  if (target === subject) throw badCommit(`the plan on ${subject} is to be put on the same subject`);
  if (!Number.isSafeInteger(atMs) || atMs < 0 || atMs > MAX_PLAN_MS)
    throw badRequest(`the time ${atMs} of a plan`, 'it is no time from 1970 to 9999, in milliseconds');
}

function badCommit(reason: string): TocsinError {
  return new TocsinError('bus.bad_commit', { reason });
}

function show(value: unknown): string {
  return JSON.stringify(String(value).slice(0, 80));
}
