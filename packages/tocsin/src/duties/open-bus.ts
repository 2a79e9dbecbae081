/** A duty's connection to the bus, from plain data that can cross into a thread. */
import type { CompleteBus } from '@tocsin/bus';
import { type BusCredential, type BusLogin, type BusTls, openNatsBus } from '@tocsin/bus/nats';

/** Where the bus is and under which key. */
export interface BusAddress {
  readonly servers: string | readonly string[];
  /** Of a duty on the embedded server. */
  readonly credential?: BusCredential | undefined;
  /** Of a server that others run. */
  readonly login?: BusLogin | undefined;
  readonly tls?: BusTls | undefined;
  readonly inboxPrefix?: string | undefined;
  /** What an acknowledgement survives. */
  readonly durability: 'process' | 'fsync';
  readonly site: string;
  /** Shown by the server beside the connection. */
  readonly name: string;
  /** How long a commit is tried before it is `bus.unknown`, milliseconds. */
  readonly commitTimeoutMs: number;
}

/** Connects; whoever opened it disposes it. @throws bus.unavailable */
export function openBus(address: BusAddress): Promise<CompleteBus> {
  return openNatsBus(address);
}
