/**
 * Giving memory back that is known to be of no use any more. Left to the collector, blocks of half a megabyte lie about by the hundred:
 * V8 looks for them when a thread has 64 MiB of them, and for each thread on its own.
 */

/** Frees what bytes lie in, if they fill a buffer of `capacity` bytes that is nobody else's; they are empty then. Small ones, cut from a pool, stay. */
export function freeBytes(bytes: Uint8Array, capacity = bytes.length): void {
  const { buffer, byteOffset } = bytes;
  if (byteOffset === 0 && buffer.byteLength === capacity && capacity > 0 && buffer instanceof ArrayBuffer) buffer.transfer(0);
}
