/** A duty's connection to the bus, from plain data that can cross into a thread. */
import { type BusCredential, openNatsBus } from '@tocsin/bus/nats';
import type { Bus } from '../wire.ts';

/** Where the bus is and under which key. */
export interface BusAddress {
  readonly servers: string;
  readonly credential: BusCredential;
  readonly site: string;
  /** Shown by the server beside the connection. */
  readonly name: string;
  /** How long a commit is tried before it is `bus.unknown`, milliseconds. */
  readonly commitTimeoutMs: number;
}

/** Connects; whoever opened it disposes it. @throws bus.unavailable */
export function openBus(address: BusAddress): Promise<Bus> {
  // The embedded server is run with `sync_interval: always`.
  return openNatsBus({ ...address, durability: 'fsync' });
}
