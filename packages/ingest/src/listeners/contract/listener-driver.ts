/**
 * What a kind of listener gives the contract suite: how it is opened for a test, and a client that speaks its protocol for real. To put a
 * kind under the contract write a driver and a test of three lines:
 *   describe.each(listenerCases.map((each) => [each.name, each] as const))('my kind: %s', (_, each) => {
 *     test('holds', () => runListenerCase(each, myDriver));
 *   });
 * Every case runs for every kind; what a protocol cannot promise is said in the driver and changes what the case expects.
 */
import type { Listener, ListenerContext } from '../listener.ts';

/** How a send ended: acknowledged by the protocol, written where it has no acknowledgement, or refused (an answer, a closed connection). */
export type SendOutcome = 'acknowledged' | 'written' | 'refused';

/** A kind under the contract. */
export interface ListenerDriver {
  readonly name: string;
  /** Whether its protocol tells senders what was stored. */
  readonly acknowledges: boolean;
  /** True where records are lost under overload, and counted (datagrams). */
  readonly mayDrop: boolean;
  /** Whether a client that got no answer sends again with the same ids; where false what is sent again may be stored again. */
  readonly keepsIds: boolean;
  /** What it took in and could not store stays on disk over its end. */
  readonly spools?: boolean | undefined;
  /**
   * Opens a listener on loopback that takes records of at most 16 KiB and holds about 1 MiB. A client called `known` belongs to
   * source `CONTRACT_SOURCE` (`boundSource`) or sends `CONTRACT_TOKEN` (`authenticate`); one called `stranger` has neither.
   */
  open(context: ListenerContext): Promise<ListenerUnderTest>;
}

/** A listener, open. Disposing closes what the driver itself opened; the case closes the listener. */
export interface ListenerUnderTest extends AsyncDisposable {
  readonly listener: Listener;
  connect(as: 'known' | 'stranger'): Promise<ListenerClient>;
}

/** A client. Disposing closes its connection. */
export interface ListenerClient extends AsyncDisposable {
  /**
   * Sends texts of printable ASCII, each as one record whose last part is `|` and the text (in JSON: the last member's value), as one batch where the protocol has them. Resolves when acknowledged, when written
   * (taken over by the local kernel), or when refused; it may stay pending while the listener does not read.
   */
  send(texts: readonly string[]): Promise<SendOutcome>;
  /** Sends bytes that are no record of the protocol; what becomes of the connection is up to the listener. Resolves when written, or closed. */
  sendGarbage(): Promise<void>;
}

/** Source that known clients belong to. */
export const CONTRACT_SOURCE = 'contract';
/** Token of that source. */
export const CONTRACT_TOKEN = 'tocsin_source_contract';
/** Longest record that a driver's listener takes, bytes. */
export const CONTRACT_RECORD_BYTES = 16 << 10;
