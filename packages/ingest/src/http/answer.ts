/** An answer of a door, ready to be sent. What it says is each protocol's own; see `problem.ts` for the form of our own API. */

/** Status, headers and body. `content-type` is JSON where the headers do not say otherwise. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** An answer in JSON. */
export function jsonAnswer(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers, body: JSON.stringify(body) };
}
