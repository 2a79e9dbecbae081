/**
 * The one error class and the whole error table. Types, exit codes, HTTP statuses and the reference page come from the
 * table; a code is typed once, in the data file of its area, and never reused.
 */
import { apiErrors } from './errors/api.data.ts';
import { authErrors } from './errors/auth.data.ts';
import { busErrors } from './errors/bus.data.ts';
import { catchupErrors } from './errors/catchup.data.ts';
import { cliErrors } from './errors/cli.data.ts';
import { configErrors } from './errors/config.data.ts';
import { deadletterErrors } from './errors/deadletter.data.ts';
import { decodeErrors } from './errors/decode.data.ts';
import { detectErrors } from './errors/detect.data.ts';
import { doorErrors } from './errors/door.data.ts';
import { effectErrors } from './errors/effect.data.ts';
import type { ErrorRow, ErrorTable, Retry } from './errors/error-row.ts';
import { flowErrors } from './errors/flow.data.ts';
import { forwardErrors } from './errors/forward.data.ts';
import { huntErrors } from './errors/hunt.data.ts';
import { ingestErrors } from './errors/ingest.data.ts';
import { listenerErrors } from './errors/listener.data.ts';
import { mappingErrors } from './errors/mapping.data.ts';
import { memberErrors } from './errors/member.data.ts';
import { privacyErrors } from './errors/privacy.data.ts';
import { replayErrors } from './errors/replay.data.ts';
import { serverErrors } from './errors/server.data.ts';
import { storeErrors } from './errors/store.data.ts';

/** Every error code of the product. */
export const errorTable = {
  ...apiErrors,
  ...authErrors,
  ...busErrors,
  ...memberErrors,
  ...cliErrors,
  ...configErrors,
  ...deadletterErrors,
  ...doorErrors,
  ...decodeErrors,
  ...detectErrors,
  ...effectErrors,
  ...catchupErrors,
  ...flowErrors,
  ...forwardErrors,
  ...huntErrors,
  ...ingestErrors,
  ...listenerErrors,
  ...serverErrors,
  ...mappingErrors,
  ...replayErrors,
  ...privacyErrors,
  ...storeErrors,
} satisfies ErrorTable;

/** An error code, such as `bus.too_large`. */
export type ErrorCode = keyof typeof errorTable;

/** What a code's message is made of. */
export type ErrorDetails<C extends ErrorCode> = Parameters<(typeof errorTable)[C]['say']>[0];

/** Something that went wrong, by code. `message` is the row's text; the original error, if any, is `cause`. */
export class TocsinError<C extends ErrorCode = ErrorCode> extends Error {
  readonly code: C;
  readonly details: ErrorDetails<C>;

  constructor(code: C, details: ErrorDetails<C>, options?: { cause?: unknown }) {
    const say = errorTable[code].say as (details: ErrorDetails<C>) => string;
    super(say(details), options);
    this.name = 'TocsinError';
    this.code = code;
    this.details = details;
  }

  /** The row of its code: HTTP status, exit code. */
  get row(): ErrorRow {
    return errorTable[this.code];
  }

  /** Whether trying again helps. */
  get retry(): Retry {
    return this.row.retry;
  }
}

/** Whether `error` is a Tocsin error, with this code if one is named. */
export function isTocsinError<C extends ErrorCode = ErrorCode>(error: unknown, code?: C): error is TocsinError<C> {
  return error instanceof TocsinError && (code === undefined || error.code === code);
}
