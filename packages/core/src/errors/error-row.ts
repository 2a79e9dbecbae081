/** The form of a row of the error table; the rows stand in `*.data.ts` beside this file, one file per area. */

/** Whether trying again helps: never as it is, later as it is, or after reconnecting. Callers branch on this, not on text. */
export type Retry = 'never' | 'later' | 'reconnect';

/** One error code. The code names what happened in the domain; HTTP status and exit code (sysexits.h) are columns. */
export interface ErrorRow {
  readonly retry: Retry;
  /** RFC 9110 status. */
  readonly http: number;
  /** Exit code of the command line, after sysexits.h: 64 usage, 65 data, 66 no input, 69 unavailable, 70 our bug, 75 try later, 77 refused, 78 config. */
  readonly exit: number;
  /** One line for the reference page: when this happens. */
  readonly about: string;
  /** What happened, to which thing, what Tocsin did, what to do next. */
  readonly say: (details: never) => string;
}

/** A table of rows by code, `area.what_happened`. */
export type ErrorTable = Readonly<Record<string, ErrorRow>>;
