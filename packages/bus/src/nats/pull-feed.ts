/**
 * Messages of one JetStream consumer by pull requests: never more asked for than there is room, the next request under way before the
 * last is used up, lost requests noticed by missing heartbeats. What a message means and whether it is acknowledged is its owner's.
 */
import type { Msg, MsgHdrs, Subscription } from '@nats-io/transport-node';
import { deliveredBytes } from './delivered-message.ts';
import { NO_RESPONDERS } from './jetstream-api.ts';
import type { NatsLink } from './nats-link.ts';

/** Room for messages. */
export interface FeedRoom {
  readonly messages: number;
  readonly bytes: number;
}

/** What a feed tells its owner. */
export interface FeedOwner {
  /** How much may still come, requests under way not counted. */
  room(): FeedRoom;
  /** Whether nothing is held: then a message larger than the room may come, alone. */
  isEmpty(): boolean;
  onMessage(message: Msg): void;
  /** Without `follow`: everything there was has been delivered. */
  onDrained(): void;
  /** The consumer is gone: the feed has stopped. */
  onGone(reason: string): void;
}

/** How to pull. */
export interface FeedOptions {
  readonly stream: string;
  readonly consumer: string;
  /** Wait for new messages, or answer with what is there. */
  readonly follow: boolean;
}

/** A running feed. */
export interface PullFeed {
  /** There may be more room than before. */
  pump(): void;
  /** Ends it; requests under way end with it. */
  stop(): void;
}

const EXPIRES_MS = 30_000;
const HEARTBEAT_MS = 5_000;
const NANOS_PER_MS = 1_000_000;
const STATUS_NO_MESSAGES = 404;
const STATUS_HEARTBEAT = 100;
/** Ask again when no more than this share of the room is still on order. */
const LOW_SHARE = 0.5;
const TOO_LARGE = /exceeds max.?bytes/i;

/** Starts pulling. */
export function startPullFeed(link: NatsLink, options: FeedOptions, owner: FeedOwner): PullFeed {
  const feed = new Feed(link, options, owner);
  feed.pump();
  return feed;
}

class Feed implements PullFeed {
  readonly #link: NatsLink;
  readonly #options: FeedOptions;
  readonly #owner: FeedOwner;
  readonly #inbox: string;
  readonly #subscription: Subscription;
  readonly #off: () => void;
  readonly #watchdog: NodeJS.Timeout;
  #ordered: FeedRoom = { messages: 0, bytes: 0 };
  #stopped = false;
  /** Whether the next request must ask for one message of any size. */
  #single = false;
  #heardMs = performance.now();

  constructor(link: NatsLink, options: FeedOptions, owner: FeedOwner) {
    this.#link = link;
    this.#options = options;
    this.#owner = owner;
    this.#inbox = link.newInbox();
    this.#subscription = link.connection.subscribe(this.#inbox, { callback: (_error, message) => this.#take(message) });
    this.#off = link.onChange(() => this.#restart());
    this.#watchdog = setInterval(() => {
      if (this.#ordered.messages > 0 && performance.now() - this.#heardMs > 2 * HEARTBEAT_MS) this.#restart();
    }, HEARTBEAT_MS);
  }

  pump(): void {
    if (this.#stopped || !this.#link.isUp) return;
    const room = this.#owner.room();
    const messages = this.#single ? 1 : room.messages - this.#ordered.messages;
    const bytes = room.bytes - this.#ordered.bytes;
    if (messages < 1 || bytes < 1 || !this.#isLow(room)) return;
    this.#ordered = { messages: this.#ordered.messages + messages, bytes: this.#ordered.bytes + bytes };
    this.#heardMs = performance.now();
    const wait = this.#options.follow
      ? { expires: EXPIRES_MS * NANOS_PER_MS, idle_heartbeat: HEARTBEAT_MS * NANOS_PER_MS }
      : { no_wait: true };
    const request = { batch: messages, ...(this.#single ? {} : { max_bytes: bytes }), ...wait };
    const { stream, consumer } = this.#options;
    this.#link.connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`, JSON.stringify(request), { reply: this.#inbox });
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    clearInterval(this.#watchdog);
    this.#off();
    this.#subscription.unsubscribe();
  }

  /** Requests under way are lost: with the connection, or because nothing is heard of them. */
  #restart(): void {
    this.#ordered = { messages: 0, bytes: 0 };
    this.pump();
  }

  #isLow(room: FeedRoom): boolean {
    const { messages, bytes } = this.#ordered;
    if (messages === 0) return true;
    return this.#options.follow && !this.#single && messages <= room.messages * LOW_SHARE && bytes <= room.bytes * LOW_SHARE;
  }

  #take(message: Msg): void {
    if (this.#stopped) return;
    this.#heardMs = performance.now();
    const code = message.headers?.code ?? 0;
    if (message.headers !== undefined && code >= STATUS_HEARTBEAT && message.data.length === 0 && !message.reply?.startsWith('$JS.ACK.')) {
      if (code !== STATUS_HEARTBEAT) this.#takeStatus(message.headers);
      return;
    }
    this.#single = false;
    this.#give(1, deliveredBytes(message));
    this.#owner.onMessage(message);
    this.pump();
  }

  #takeStatus(status: MsgHdrs): void {
    const { code, description: text } = status;
    if (code === NO_RESPONDERS || /deleted|no longer|not found|unknown/i.test(text)) {
      this.stop();
      return this.#owner.onGone(text || 'nobody answers');
    }
    if (this.#options.follow) this.#give(Number(status.get('Nats-Pending-Messages')), Number(status.get('Nats-Pending-Bytes')));
    // An answer with what is there comes once per request, and there is one at a time.
    else this.#ordered = { messages: 0, bytes: 0 };
    if (!this.#options.follow && code === STATUS_NO_MESSAGES) return this.#owner.onDrained();
    if (TOO_LARGE.test(text)) {
      // The next message does not fit: it is asked for alone once nothing is held; until then the owner pumps when he has more room.
      if (!this.#owner.isEmpty()) return;
      this.#single = true;
    }
    this.pump();
  }

  #give(messages: number, bytes: number): void {
    const left = Math.max(0, this.#ordered.messages - messages);
    this.#ordered = { messages: left, bytes: left === 0 ? 0 : Math.max(0, this.#ordered.bytes - bytes) };
  }
}
