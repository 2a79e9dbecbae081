/**
 * Elasticsearch's bulk API, as shippers speak it: `create` and `index` actions are events, the document is the record, `_id` its id, so that a
 * batch sent again is recognised. Anything else (`update`, `delete`) is refused item by item. What agents ask before they ship is in
 * `elastic-probes.ts`. Source: Elasticsearch 8 reference, "Bulk API".
 */
import { createLineSplitter, errorTable, memberRange, splitJsonObject, TocsinError } from '@tocsin/core';
import type { RawRecord, RecordResult } from '../../source.ts';
import { type Answer, jsonAnswer } from '../answer.ts';
import { tokenOfAgent } from '../credential.ts';
import type { DoorRequest, DoorRoute, HttpDoor } from '../http-door.ts';
import { retryHeaders } from '../problem.ts';
import { elasticProbes, PRODUCT } from './elastic-probes.ts';

/** The door. */
export function elasticDoor(): HttpDoor {
  const bulk = (method: 'POST' | 'PUT', url: string): DoorRoute => ({
    method,
    url,
    schema: { summary: 'Elasticsearch: bulk', tags: ['Elasticsearch'], response: { 200: RESULT } },
    handle: takeIn,
  });
  return {
    name: 'elasticsearch',
    routes: [
      ...(['POST', 'PUT'] as const).flatMap((method) => ['/_bulk', '/:index/_bulk'].map((url) => bulk(method, url))),
      ...elasticProbes,
    ],
    answerToError,
  };
}

const RESULT = { type: 'object', description: 'One item per action, in order; status 201 is on disk', additionalProperties: true };

/** What one pair of lines asks for. */
interface BulkAction {
  readonly verb: 'create' | 'index' | 'update' | 'delete';
  readonly index: string;
  readonly record: RawRecord;
}

const MAX_MEMBERS = 20;
/** Longest line that names an action, bytes. */
const MAX_ACTION_BYTES = 8192;
const VERBS = ['create', 'index', 'update', 'delete'] as const;

async function takeIn(request: DoorRequest): Promise<Answer> {
  const startedMs = performance.now();
  const guest = await request.admit(tokenOfAgent(request.headers.authorization));
  const actions = cutBulk(await guest.readBody(), { index: request.params['index'] ?? '', maxRecords: guest.maxRecords });
  const counts: number[] = [];
  const results = await guest.emit(
    actions.map(({ record }) => record),
    { onTaken: (count) => counts.push(count) },
  );
  let from = 0;
  let errors = false;
  const items = actions.map((action, i) => {
    const until = from + (counts[i] ?? 1);
    const own = until - from === 1 ? results[from] : worst(results.slice(from, until));
    from = until;
    if (own?.status === 'stored') return storedItem(action, own.id);
    const { verb, error, ...item } = itemOf(action, own);
    errors ||= error !== undefined;
    return JSON.stringify({ [verb]: error ? { ...item, error } : item });
  });
  const tookMs = Math.round(performance.now() - startedMs);
  return { status: 200, headers: PRODUCT, body: `{"took":${tookMs},"errors":${errors},"items":[${items.join(',')}]}` };
}

/** What is said of most actions, written as text: an object for each costs as much as reading it did. */
function storedItem({ verb, index }: BulkAction, id: string): string {
  return `{"${verb}":{"_index":${JSON.stringify(index)},"_id":${JSON.stringify(id)}${STORED}}}`;
}

/** The action lines of a body with their documents. @throws ingest.bad_body, ingest.body_too_large */
export function cutBulk(body: Uint8Array, { index, maxRecords }: { readonly index: string; readonly maxRecords: number }): BulkAction[] {
  const splitter = createLineSplitter({ maxLineBytes: body.length, maxLines: 2 * maxRecords });
  const lines = [splitter.push(body), splitter.end()].flatMap((part) =>
    part.flatMap((line) => (line.tooLong === undefined ? [line.bytes] : [])),
  );
  if (splitter.isFull) throw new TocsinError('ingest.body_too_large', { what: 'records', max: maxRecords });
  const actions: BulkAction[] = [];
  let lastLine: Uint8Array = NOTHING;
  let action: ReturnType<typeof readAction> | undefined;
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? NOTHING;
    // Agents that give no ids write the same line for every event.
    if (action === undefined || !isSame(line, lastLine)) action = readAction(line, actions.length, index);
    lastLine = line;
    if (action.verb === 'delete') {
      actions.push({ ...action, record: notDone(action.verb) });
      continue;
    }
    const document = lines[++at];
    if (document === undefined) throw bad(`action ${actions.length} is not followed by its document`);
    actions.push({ ...action, record: action.verb === 'update' ? notDone('update') : { bytes: document, envelope: { id: action.id } } });
  }
  if (actions.length === 0) throw bad('it holds no action');
  return actions;
}

const NOTHING = new Uint8Array(0);

function readAction(line: Uint8Array, number: number, index: string): { verb: BulkAction['verb']; index: string; id: string | undefined } {
  const outer = line.length > MAX_ACTION_BYTES ? undefined : splitJsonObject(line, { maxDepth: 4, maxPieces: 1 });
  if (outer === undefined || outer.failure !== undefined || outer.ranges.length !== 4)
    throw bad(`action ${number} is no action of a bulk request`);
  const verb = VERBS.find((each) => memberRange(line, outer.ranges, each) !== undefined);
  const meta = parsed(line.subarray(outer.ranges[2], outer.ranges[3]));
  if (verb === undefined || meta === undefined) throw bad(`action ${number} is no action of a bulk request`);
  const text = (name: string): string | undefined => {
    const value = Object.hasOwn(meta, name) ? meta[name] : undefined;
    if (value !== undefined && value !== null && typeof value !== 'string') throw bad(`${name} of action ${number} is no text`);
    return value ?? undefined;
  };
  return { verb, index: text('_index') ?? index, id: text('_id') };
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return false;
  return true;
}

function parsed(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    const isMap = typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length <= MAX_MEMBERS;
    return isMap ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined; // no JSON: refused by its caller
  }
}

function notDone(verb: string): RawRecord {
  const error = new TocsinError('ingest.bad_record', { reason: `Tocsin keeps events as they were sent and knows no ${verb}` });
  return { bytes: NOTHING, refused: { code: error.code, reason: error.message } };
}

function bad(reason: string): TocsinError {
  return new TocsinError('ingest.bad_body', { reason });
}

interface BulkItem {
  readonly verb: string;
  readonly _index: string;
  readonly _id: string | null;
  readonly status: number;
  readonly result?: string;
  readonly error?: { readonly type: string; readonly reason: string } | undefined;
}

/** What is said of an action that was not simply stored. */
function itemOf({ verb, index, record }: BulkAction, result: RecordResult | undefined): BulkItem {
  if (result === undefined) throw new TocsinError('ingest.internal', { what: 'The bulk request' });
  const item = { verb, _index: index, _id: result.id ?? record.envelope?.id ?? null };
  if (result.status === 'rejected') {
    return {
      ...item,
      status: errorTable[result.code].http === 413 ? 413 : 400,
      error: { type: typeOf(result.code), reason: result.reason },
    };
  }
  const stored = { ...item, ...VERSION };
  if (result.status === 'dropped' || result.status === 'quarantined') return { ...stored, result: 'noop', status: 200 };
  // A shipper takes 409 on `create` as done already; `index` would have replaced the document by itself.
  if (verb === 'create')
    return { ...item, status: 409, error: { type: 'version_conflict_engine_exception', reason: 'It is stored already' } };
  return { ...stored, result: 'noop', status: 200 };
}

const VERSION = { _version: 1, _shards: { total: 1, successful: 1, failed: 0 }, _seq_no: 0, _primary_term: 1 };
/** Members of the item of a stored document that are the same for all. */
const STORED = `,${JSON.stringify({ ...VERSION, result: 'created', status: 201 }).slice(1, -1)}`;

/** What is said of a document that is an envelope of several events: that it was refused, where one of them was. */
function worst(results: readonly RecordResult[]): RecordResult | undefined {
  return results.find((result) => result.status === 'rejected') ?? results[0];
}

function typeOf(code: string): string {
  return code === 'decode.too_large' ? 'document_too_large_exception' : 'mapper_parsing_exception';
}

function answerToError(error: TocsinError): Answer {
  const { http } = error.row;
  const type =
    http === 401 || http === 403
      ? 'security_exception'
      : http === 429 || http === 503
        ? 'es_rejected_execution_exception'
        : 'illegal_argument_exception';
  const cause = { type, reason: error.message };
  const ask: Readonly<Record<string, string>> = http === 401 ? { 'www-authenticate': 'Basic realm="security" charset="UTF-8"' } : {};
  const headers = { ...PRODUCT, ...retryHeaders(error), ...ask };
  return jsonAnswer(http, { error: { root_cause: [cause], ...cause, code: error.code }, status: http }, headers);
}
