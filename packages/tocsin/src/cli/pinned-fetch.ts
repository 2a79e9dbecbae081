/**
 * Requests to the installation on this machine over TLS: what it must show is exactly the certificate that it left in its data
 * folder. Who signed that, and for which host name, does not matter on loopback; nobody else has its key.
 */
import { X509Certificate } from 'node:crypto';
import { Readable } from 'node:stream';

/** A request as `fetch` takes it, as far as it is needed here. */
export interface PinnedRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Sends a request to a server that shows this certificate (PEM). Rejects with the connection's error, or the abort reason. */
export async function fetchPinned(url: string, certificate: string, { method, headers, body, signal }: PinnedRequest): Promise<Response> {
  // Loaded here: an installation without TLS need not pay for it.
  const { request } = await import('node:https');
  const pinned = new X509Certificate(certificate).fingerprint256;
  return new Promise((resolve, reject) => {
    const outgoing = request(url, {
      method,
      headers: { ...headers, ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }) },
      ca: certificate,
      // The certificate itself is trusted, not only one that has signed it.
      allowPartialTrustChain: true,
      checkServerIdentity: (_host, shown) =>
        shown.fingerprint256 === pinned
          ? undefined
          : new Error('the server shows another certificate than the installation on this data folder'),
      ...(signal ? { signal } : {}),
    });
    outgoing.once('error', reject);
    outgoing.once('response', (incoming) => {
      const { statusCode = 500 } = incoming;
      const answerHeaders = Object.entries(incoming.headers).map(([name, value]): [string, string] => [name, String(value)]);
      resolve(new Response(Readable.toWeb(incoming) as ReadableStream<Uint8Array>, { status: statusCode, headers: answerHeaders }));
    });
    outgoing.end(body);
  });
}
