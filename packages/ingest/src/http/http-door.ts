/**
 * The seam of doors that come in over the API's own server: one protocol each, in a file of 50 to 200 lines under `doors/`. A door says which
 * routes it has, where its protocol puts the credential, how a body is cut into records, and what its answers look like. What all of them
 * share is in `serve-doors.ts`: who may come in, the memory for bodies, limits, counters, the log of what went wrong.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { TocsinError } from '@tocsin/core';
import type { EmitOptions } from '../intake.ts';
import type { RawRecord, RecordResult, Source } from '../source.ts';
import type { Answer } from './answer.ts';
import type { BodyEncoding } from './read-body.ts';

/** A request whose body nobody has read yet. */
export interface DoorRequest {
  readonly method: string;
  /** Path as asked, without the query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Parameters of the query; the last of several counts. */
  readonly query: Readonly<Record<string, string>>;
  /** Parts of the path that the route names. */
  readonly params: Readonly<Record<string, string>>;
  /**
   * Who is there, by the credential alone. `token` is what the protocol carries, without its scheme (see `credential.ts`).
   * @throws auth.missing, auth.refused, auth.forbidden, flow.*
   */
  admit(token: string | undefined): Promise<Guest>;
  /**
   * A guest without a proof yet, for protocols that sign their body: what it reads counts for the source, nothing may be emitted before
   * the door has verified the signature itself.
   */
  admitAs(source: Source): Guest;
}

/** A sender who is known, and what he may do. */
export interface Guest {
  readonly source: Source;
  /**
   * The body, decompressed as its `content-encoding` says (or as `encoding`, whatever the header says), within the limits of all doors or
   * the smaller `maxBytes`. Once per request.
   * @throws ingest.body_too_large, ingest.unsupported_type, ingest.bad_encoding, ingest.slow_body, ingest.aborted, ingest.overloaded, ingest.source_overloaded
   */
  readBody(options?: BodyOptions): Promise<Buffer>;
  /** As `Intake.emit`; resolves when durable. The header `Idempotency-Key` counts at every door. */
  emit(records: readonly RawRecord[], options?: EmitOptions): Promise<RecordResult[]>;
  /**
   * Told of bytes that the door makes beyond the body (facts written into each record), before it keeps them: a small body may say that every
   * one of its records carries a megabyte of labels. @throws ingest.body_too_large, ingest.overloaded, ingest.source_overloaded
   */
  readonly charge: (bytes: number) => void;
  /** Most records that one request may hold. */
  readonly maxRecords: number;
}

/** How a body is read where a protocol has its own idea. */
export interface BodyOptions {
  readonly maxBytes?: number | undefined;
  readonly encoding?: BodyEncoding | undefined;
}

/** One route of a door. */
export interface DoorRoute {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT';
  /** Path, parts with a name as `:name`. */
  readonly url: string;
  /** OpenAPI operation: summary, and more where it helps. It describes; nothing is checked by it. */
  readonly schema: Readonly<Record<string, unknown>> & { readonly summary: string };
  /** What it throws is answered by the door's `answerToError`. */
  handle(request: DoorRequest): Promise<Answer> | Answer;
}

/** One protocol. */
export interface HttpDoor {
  /** Name in counters and in the OpenAPI document: `splunk-hec`. */
  readonly name: string;
  readonly routes: readonly DoorRoute[];
  /** An error in the protocol's words. What has no code of ours has become `ingest.internal` before. */
  answerToError(error: TocsinError, request: Pick<DoorRequest, 'path' | 'headers'>): Answer;
}
