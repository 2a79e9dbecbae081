/** What the three parts of a memory bus share: the server they ask, and the one end they all come to. */
import { TocsinError } from '@tocsin/core';
import type { MemoryServer } from './memory-server.ts';

/** A handle's way to its server. */
export interface MemoryAccess {
  readonly server: MemoryServer;
  /** Aborted, with `bus.closed`, when the bus is closed. */
  readonly closing: AbortSignal;
  /** @throws bus.closed, naming what was asked */
  requireOpen(what: string): void;
  /** The server, once it answers. @throws bus.closed, bus.unavailable */
  reach(what: string): Promise<MemoryServer>;
  /** Aborted when the bus is closed or the caller aborts. */
  scopeWith(signal: AbortSignal | undefined): AbortSignal;
}

/** Access that ends with `closing`. */
export function createMemoryAccess(server: MemoryServer, closing: AbortSignal): MemoryAccess {
  const requireOpen = (what: string): void => {
    if (closing.aborted) throw new TocsinError('bus.closed', { what });
  };
  return {
    server,
    closing,
    requireOpen,
    async reach(what) {
      requireOpen(what);
      await server.reach(closing);
      return server;
    },
    scopeWith: (signal) => AbortSignal.any(signal === undefined ? [closing] : [closing, signal]),
  };
}
