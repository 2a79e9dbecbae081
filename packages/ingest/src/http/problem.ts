/** Errors as HTTP answers: status, `Retry-After`, `WWW-Authenticate` and one body for all (RFC 9110 sections 10.2.3, 11.6.1 and 15). */
import { errorTable, isTocsinError, TocsinError } from '@tocsin/core';
import type { RecordResult } from '../source.ts';
import type { Answer } from './answer.ts';

/** Seconds after which a refused request is worth sending again. */
const RETRY_AFTER_SECONDS = '1';

/** The answer to an error. What is no Tocsin error is answered as `ingest.internal`, without its text. */
export function answerToError(error: unknown): Answer {
  const known = isTocsinError(error) ? error : new TocsinError('ingest.internal', { what: 'The request' }, { cause: error });
  return { status: known.row.http, headers: headersFor(known), body: JSON.stringify({ error: problemOf(known) }) };
}

/** The answer to records that were judged one by one: 202 where at least one is stored, else the status of the refusals. */
export function answerToResults(results: readonly RecordResult[]): Answer {
  const counts = { stored: 0, duplicate: 0, dropped: 0, quarantined: 0, rejected: 0 };
  for (const result of results) counts[result.status]++;
  const items = results.map(itemText).join(',');
  const beside = (['dropped', 'quarantined'] as const).filter((status) => counts[status] > 0).map((status) => [status, counts[status]]);
  const summary = { accepted: counts.stored, duplicates: counts.duplicate, rejected: counts.rejected, ...Object.fromEntries(beside) };
  if (counts.rejected < results.length) return { status: 202, headers: {}, body: withItems(summary, items) };
  const error = new TocsinError('ingest.all_rejected', { records: results.length });
  return { status: statusOfRejections(results), headers: {}, body: withItems({ error: problemOf(error), ...summary }, items) };
}

/** An object with its items, which are JSON already. */
function withItems(summary: object, items: string): string {
  return `${JSON.stringify(summary).slice(0, -1)},"items":[${items}]}`;
}

/** `Retry-After` for what is worth sending again later; no header otherwise. */
export function retryHeaders(error: TocsinError): Readonly<Record<string, string>> {
  const { http } = error.row;
  return http === 503 || http === 429 ? { 'retry-after': retryAfterOf(error) } : {};
}

/** Whole seconds, rounded up: who comes again earlier is refused again. */
function retryAfterOf({ details }: TocsinError): string {
  return 'retryAfterMs' in details ? String(Math.max(1, Math.ceil(Number(details.retryAfterMs) / 1000))) : RETRY_AFTER_SECONDS;
}

function problemOf(error: TocsinError): Readonly<Record<string, string>> {
  return { code: error.code, message: error.message, retry: error.retry };
}

function headersFor(error: TocsinError): Readonly<Record<string, string>> {
  return error.row.http === 401 ? { 'www-authenticate': 'Bearer' } : retryHeaders(error);
}

/** Most are stored; those are written as text, as an object for each costs as much again. */
function itemText(result: RecordResult, index: number): string {
  return result.status === 'stored'
    ? `{"index":${index},"id":${JSON.stringify(result.id)},"status":"stored"}`
    : JSON.stringify(itemOf(result, index));
}

function itemOf(result: RecordResult, index: number): object {
  if (result.status !== 'rejected') {
    const stored = { index, id: result.id, status: result.status };
    if (result.status === 'quarantined') return { ...stored, reason: result.reason };
    return result.status === 'duplicate' ? { ...stored, position: result.at.position } : stored;
  }
  return { index, id: result.id ?? null, status: result.status, code: result.code, reason: result.reason };
}

/** 413 where size is all that is wrong with every record, else 400. */
function statusOfRejections(results: readonly RecordResult[]): number {
  return results.every((result) => result.status === 'rejected' && errorTable[result.code].http === 413) ? 413 : 400;
}
