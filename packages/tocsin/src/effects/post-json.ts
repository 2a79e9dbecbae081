/** One POST to a checked address: the connection is pinned to it, redirects are not followed, and everything has a bound. */
import { request as plainRequest } from 'node:http';
import { request as tlsRequest } from 'node:https';
import type { OutboundAddress } from './outbound-address.ts';

/** What is posted. */
export interface PostOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** For everything: connecting, sending, and the answer's head. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** The answer as far as anybody looks at it. */
export interface PostAnswer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  /** Beginning of its body. */
  readonly text: string;
}

/** Of an answer's body. */
const MAX_ANSWER_BYTES = 2048;

/** Posts; rejects when no answer came within the time. */
export function postJson(
  { url, address, family }: OutboundAddress,
  { headers, body, timeoutMs, signal }: PostOptions,
): Promise<PostAnswer> {
  return new Promise((resolve, reject) => {
    const send = url.protocol === 'https:' ? tlsRequest : plainRequest;
    const request = send(url, {
      method: 'POST',
      headers: { ...headers, 'content-length': String(body.byteLength) },
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      // What the name stands for was decided before.
      lookup: (_, options, done) => (options.all === true ? done(null, [{ address, family }]) : done(null, address, family)),
      agent: false,
    });
    request.on('error', reject);
    request.on('response', (answer) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      const end = (): void => {
        resolve({
          status: answer.statusCode ?? 0,
          retryAfter: answer.headers['retry-after'],
          text: Buffer.concat(chunks).toString('utf8'),
        });
        request.destroy();
      };
      answer.on('data', (chunk: Buffer) => {
        chunks.push(chunk.subarray(0, MAX_ANSWER_BYTES - bytes));
        bytes += chunk.length;
        if (bytes >= MAX_ANSWER_BYTES) end();
      });
      answer.on('end', end);
      answer.on('error', reject);
    });
    request.end(body);
  });
}
