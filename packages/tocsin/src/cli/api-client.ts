/** The command line's side of `/api/v1`: requests with a credential, errors as the same errors the server threw. */
import { type ErrorCode, errorTable, TocsinError } from '@tocsin/core';

/** Where an installation is and who is asking. */
export interface ApiAddress {
  readonly url: string;
  readonly token: string;
}

/** An error as the server answered it: its code and text, without the details they were made of. */
export class ApiError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly retryAfterMs: number;

  constructor(answer: { code: ErrorCode; message: string; status: number; retryAfterMs: number }) {
    super(answer.message);
    this.name = 'ApiError';
    this.code = answer.code;
    this.status = answer.status;
    this.retryAfterMs = answer.retryAfterMs;
  }

  /** Exit code of the command line. */
  get exit(): number {
    return errorTable[this.code].exit;
  }
}

/** A request beyond method and path. */
export interface ApiRequest {
  readonly body?: unknown;
  /** Raw body and its headers, instead of JSON. */
  readonly raw?: { readonly bytes: Uint8Array; readonly headers: Readonly<Record<string, string>> } | undefined;
  /** Another credential than the client's own. */
  readonly token?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Talks to one installation. */
export class ApiClient {
  readonly address: ApiAddress;

  constructor(address: ApiAddress) {
    this.address = address;
  }

  /** The answer's body as JSON. @throws ApiError with the server's code, TocsinError api.unreachable */
  async call<T>(method: string, path: string, request: ApiRequest = {}): Promise<T> {
    const response = await this.#send(method, path, request);
    return (await response.json()) as T;
  }

  /** The objects of an NDJSON answer as they come, until it ends or is aborted. `ready` is called when the server follows. */
  async *lines<T>(path: string, follow: { signal: AbortSignal; ready?: () => void }): AsyncGenerator<T> {
    const response = await this.#send('GET', path, { signal: follow.signal });
    let rest = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      follow.ready?.();
      const pieces = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = pieces.pop() ?? '';
      for (const piece of pieces) if (piece !== '') yield JSON.parse(piece) as T;
    }
  }

  async #send(method: string, path: string, request: ApiRequest): Promise<Response> {
    const { url } = this.address;
    const json = request.body === undefined ? {} : { 'content-type': 'application/json' };
    const body = request.raw ? request.raw.bytes : request.body === undefined ? undefined : JSON.stringify(request.body);
    let response: Response;
    try {
      response = await fetch(`${url}/api/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${request.token ?? this.address.token}`, ...json, ...request.raw?.headers },
        ...(body === undefined ? {} : { body: body as BodyInit }),
        ...(request.signal ? { signal: request.signal } : {}),
      });
    } catch (cause) {
      if (request.signal?.aborted) throw cause;
      const reason = cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : String(cause);
      throw new TocsinError('api.unreachable', { url, reason }, { cause });
    }
    if (!response.ok) throw await readError(response);
    return response;
  }
}

async function readError(response: Response): Promise<ApiError> {
  const text = await response.text();
  const retryAfterMs = Number(response.headers.get('retry-after') ?? 1) * 1000;
  const answer = parseError(text);
  const code = answer && Object.hasOwn(errorTable, answer.code) ? (answer.code as ErrorCode) : 'api.internal';
  return new ApiError({ code, message: answer?.message ?? `The server answered ${response.status}: ${text.slice(0, 200)}`, status: response.status, retryAfterMs });
}

function parseError(text: string): { code: string; message: string } | undefined {
  try {
    return (JSON.parse(text) as { error?: { code: string; message: string } }).error;
  } catch {
    // Not ours: a proxy's page. The caller shows its beginning.
    return undefined;
  }
}
