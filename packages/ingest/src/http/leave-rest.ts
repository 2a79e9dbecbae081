/** What becomes of a body that is refused before it was read. */
import type { IncomingMessage } from 'node:http';

/** Rest of a refused body that is still taken off the wire, so that its sender reads the answer instead of a reset. */
const LINGER_BYTES = 1024 * 1024;
const LINGER_MS = 2000;

/** Takes a little more of an unread body off the wire, waits for the sender to read the answer, and then cuts the connection: nobody may make Tocsin read for nothing. */
export function leaveRest(raw: IncomingMessage): void {
  if (raw.complete || raw.destroyed) return;
  let left = LINGER_BYTES;
  const cut = (): void => void raw.destroy();
  const timer = setTimeout(cut, LINGER_MS);
  raw.once('close', () => clearTimeout(timer));
  raw.once('end', () => clearTimeout(timer));
  raw.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    // Not cut at once: a reset would take the answer with it that the sender has not read yet.
    if (left < 0) raw.pause();
  });
  // A sender that goes away while being refused has nothing left to be told.
  raw.on('error', () => clearTimeout(timer));
  raw.resume();
}
