/**
 * What an adapter gives the contract suite: connections, a server that can be stopped, killed, paused and emptied, and
 * its time. Every function is needed; an adapter without a server gives the nearest equivalent and says what it is.
 */
import type { CompleteBus } from '../event-bus.ts';

/** Time as the bus under test has it: the machine's for a real server, a clock moved by hand in memory. */
export interface ContractTime {
  /** Milliseconds since 1970. */
  nowMs(): number;
  /** Lets time pass until the condition holds. Rejects, naming `what`, when it does not within a deadline the harness chooses. */
  until(condition: () => boolean | Promise<boolean>, what: string): Promise<void>;
  /** Lets this much time pass: only to show that something does not happen in it. */
  pass(ms: number): Promise<void>;
}

/** One server for one case. Disposing it ends the server and wipes what it kept. */
export interface ContractHarness extends AsyncDisposable {
  readonly time: ContractTime;
  /** One more connection to the same server. */
  openBus(): Promise<CompleteBus>;
  /** Ends the server: by a kill in the middle of its work, or in good order. What it acknowledged is kept as `guarantees.durability` says. */
  stopServer(options: { readonly kill: boolean }): Promise<void>;
  /** Starts it again over what it kept; resolves when it answers. */
  startServer(): Promise<void>;
  /** Keeps the server from answering without ending it; the function given back lets it go on. */
  pauseServer(): Promise<() => Promise<void>>;
  /** Removes a stream behind the bus's back, as an operator would. */
  dropStream(name: string): Promise<void>;
  /** What closed connections left behind, in words: sockets, timers, waits, subscriptions. Empty when nothing. */
  leaks(): Promise<readonly string[]>;
}

/** Starts a server with nothing on it. `seed` is for what the harness itself draws. */
export type OpenHarness = (seed: number) => Promise<ContractHarness>;
