/**
 * Subjects and filters: which are well formed, and which filter takes which subject. Names of tenants and the like
 * become tokens in `encodeToken` of core, not here.
 */
import { TocsinError } from '@tocsin/core';
import type { Subject, SubjectFilter } from './event-bus.ts';

/** Longest subject or filter, in characters: two encoded names of the longest kind fit, and brokers take four times as much. */
const MAX_SUBJECT_CHARACTERS = 1024;

/** Printable ASCII but the separator and the wildcards. */
const TOKEN = /^[!-)+-\-/-=?-~]+$/;

/** The subject itself when it is one: tokens of printable ASCII joined by dots, without wildcards. @throws bus.bad_subject */
export function checkSubject(subject: Subject): Subject {
  const tokens = tokensOf(subject);
  for (const token of tokens)
    if (!TOKEN.test(token)) throw badSubject(subject, 'a token of it is empty or holds other than printable ASCII without * and >');
  return subject;
}

/** The filter itself when it is one: a subject in which tokens may be `*` and the last may be `>`. @throws bus.bad_subject */
export function checkFilter(filter: SubjectFilter): SubjectFilter {
  const tokens = tokensOf(filter);
  for (const [i, token] of tokens.entries()) {
    const wildcard = token === '*' || (token === '>' && i === tokens.length - 1);
    if (!wildcard && !TOKEN.test(token))
      throw badSubject(filter, 'a token of it is empty, holds other than printable ASCII, or is > before the end');
  }
  return filter;
}

/** Whether a well-formed filter takes a well-formed subject: `*` is any one token, a last `>` one or more. Linear in their length. */
export function matchesSubject(filter: SubjectFilter, subject: Subject): boolean {
  let f = 0;
  let s = 0;
  while (f < filter.length) {
    if (s >= subject.length) return false;
    const filterEnd = tokenEnd(filter, f);
    if (filterEnd === filter.length && filter[f] === '>' && filterEnd - f === 1) return true;
    const subjectEnd = tokenEnd(subject, s);
    const any = filterEnd - f === 1 && filter[f] === '*';
    if (!any && filter.slice(f, filterEnd) !== subject.slice(s, subjectEnd)) return false;
    f = filterEnd + 1;
    s = subjectEnd + 1;
  }
  return s >= subject.length;
}

/** Whether some subject is taken by both filters: two streams must never share one. */
export function filtersOverlap(a: SubjectFilter, b: SubjectFilter): boolean {
  const left = a.split('.');
  const right = b.split('.');
  for (let i = 0; ; i++) {
    const x = left[i];
    const y = right[i];
    if (x === undefined || y === undefined) return x === y;
    if (x === '>' || y === '>') return true;
    if (x !== y && x !== '*' && y !== '*') return false;
  }
}

function tokensOf(text: string): string[] {
  if (typeof text !== 'string' || text.length === 0) throw badSubject(String(text), 'it is empty');
  if (text.length > MAX_SUBJECT_CHARACTERS) throw badSubject(text, `it is longer than ${MAX_SUBJECT_CHARACTERS} characters`);
  if (text.startsWith('$') || text.startsWith('_')) throw badSubject(text, 'names beginning with $ or _ belong to the bus itself');
  return text.split('.');
}

function tokenEnd(text: string, from: number): number {
  const dot = text.indexOf('.', from);
  return dot === -1 ? text.length : dot;
}

function badSubject(text: string, reason: string): TocsinError {
  return new TocsinError('bus.bad_subject', { subject: JSON.stringify(text.slice(0, 120)), reason });
}
