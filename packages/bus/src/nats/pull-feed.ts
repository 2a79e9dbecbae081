/**
 * Messages of one JetStream consumer by pull requests: never more asked for than there is room, the next request under way before the
 * last is used up, lost requests noticed by missing heartbeats. What a message means and whether it is acknowledged is its owner's.
 */
import type { Msg, Subscription } from '@nats-io/transport-node';
import { NO_RESPONDERS } from './jetstream-api.ts';
import { deliveredBytes } from './delivered-message.ts';
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

/** Starts pulling. */
export function startPullFeed(link: NatsLink, options: FeedOptions, owner: FeedOwner): PullFeed {
  const subject = `$JS.API.CONSUMER.MSG.NEXT.${options.stream}.${options.consumer}`;
  const inbox = link.newInbox();
  let ordered = { messages: 0, bytes: 0 };
  let stopped = false;
  /** Whether the next request must ask for one message of any size. */
  let single = false;
  let heardMs = performance.now();
  const subscription: Subscription = link.connection.subscribe(inbox, { callback: (_error, message) => take(message) });
  const off = link.onChange((isUp) => {
    ordered = { messages: 0, bytes: 0 };
    if (isUp) pump();
  });
  const watchdog = setInterval(() => {
    if (!link.isUp || ordered.messages === 0 || performance.now() - heardMs < 2 * HEARTBEAT_MS) return;
    ordered = { messages: 0, bytes: 0 };
    pump();
  }, HEARTBEAT_MS);

  function pump(): void {
    if (stopped || !link.isUp) return;
    const room = owner.room();
    const messages = single ? 1 : room.messages - ordered.messages;
    const bytes = room.bytes - ordered.bytes;
    const isLow =
      ordered.messages === 0 ||
      (options.follow && !single && ordered.messages <= room.messages * LOW_SHARE && ordered.bytes <= room.bytes * LOW_SHARE);
    if (messages < 1 || bytes < 1 || !isLow) return;
    const request: Record<string, unknown> = options.follow
      ? { batch: messages, expires: EXPIRES_MS * NANOS_PER_MS, idle_heartbeat: HEARTBEAT_MS * NANOS_PER_MS }
      : { batch: messages, no_wait: true };
    if (!single) request.max_bytes = bytes;
    ordered = { messages: ordered.messages + messages, bytes: ordered.bytes + bytes };
    heardMs = performance.now();
    link.connection.publish(subject, JSON.stringify(request), { reply: inbox });
  }
  function take(message: Msg): void {
    if (stopped) return;
    heardMs = performance.now();
    const code = message.headers?.code ?? 0;
    if (code >= STATUS_HEARTBEAT && message.data.length === 0 && !message.reply?.startsWith('$JS.ACK.')) return takeStatus(message, code);
    single = false;
    give(1, deliveredBytes(message));
    owner.onMessage(message);
    pump();
  }
  function takeStatus(message: Msg, code: number): void {
    if (code === STATUS_HEARTBEAT) return;
    const text = message.headers?.description ?? '';
    if (code === NO_RESPONDERS || /deleted|no longer|not found|unknown/i.test(text)) return end(text || 'nobody answers');
    // An answer with what is there comes once per request, and there is one at a time.
    if (options.follow)
      give(Number(message.headers?.get('Nats-Pending-Messages') ?? 0), Number(message.headers?.get('Nats-Pending-Bytes') ?? 0));
    else ordered = { messages: 0, bytes: 0 };
    if (!options.follow && code === STATUS_NO_MESSAGES) return owner.onDrained();
    if (/exceeds max.?bytes/i.test(text)) {
      // The next message does not fit: it is asked for alone once nothing is held; until then the owner pumps when he has more room.
      if (!owner.isEmpty()) return;
      single = true;
    }
    pump();
  }
  function give(messages: number, bytes: number): void {
    ordered.messages = Math.max(0, ordered.messages - messages);
    ordered.bytes = ordered.messages === 0 ? 0 : Math.max(0, ordered.bytes - bytes);
  }
  function end(reason: string): void {
    stop();
    owner.onGone(reason);
  }
  function stop(): void {
    if (stopped) return;
    stopped = true;
    clearInterval(watchdog);
    off();
    subscription.unsubscribe();
  }
  pump();
  return { pump, stop };
}
