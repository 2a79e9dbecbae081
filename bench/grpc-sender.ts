/**
 * One connection of HTTP/2 that sends ready-made gRPC messages and reads their status: a client of its own, because a library's would cost
 * the generator more than the product. Good for the one server that the bench itself has started.
 */
import { connect } from 'node:http2';
import type { Answer, Request, Sender } from './http-sender.ts';

/** Bytes before a message: compressed or not, length (gRPC over HTTP2). */
const PREFIX_BYTES = 5;
/** What a call ends with that was not answered (gRPC, UNAVAILABLE). */
const UNANSWERED = 14;

/** Opens a connection. The status of answers is gRPC's, their text what the message holds. */
export function openGrpcSender(host: string, port: number): Sender {
  const session = connect(`http://${host}:${port}`);
  let failed = false;
  session.on('error', () => {
    failed = true;
  });
  return {
    send: (request, done) => (failed ? done({ status: UNANSWERED, text: '' }) : call(session, request, done)),
    close: () => session.destroy(),
  };
}

function call(session: ReturnType<typeof connect>, { path, contentType, token, body }: Request, done: (answer: Answer) => void): void {
  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': contentType,
    te: 'trailers',
    authorization: `Bearer ${token}`,
  });
  let status = UNANSWERED;
  let text = '';
  const note = (headers: Readonly<Record<string, unknown>>): void => {
    if (headers['grpc-status'] !== undefined) status = Number(headers['grpc-status']);
  };
  stream.on('response', note);
  stream.on('trailers', note);
  stream.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  // Answered below with the status it has: an error is followed by the end.
  stream.on('error', () => stream.close());
  stream.on('close', () => done({ status, text: text.slice(PREFIX_BYTES) }));
  stream.end(body);
}
