/**
 * The producers: one post in flight per source, events in order with the producer's own ids, the same body posted again whenever the answer
 * leaves it unsure (connection broken, no answer in time, 429, 503). Now and then one hangs up on purpose right after sending, so that its answer is lost.
 * Keeps what was attempted and what was acknowledged; not here: whether that is true.
 */
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { createRandom } from '../seeded-random.ts';
import { FOREIGN_TENANT, type PlannedEvent, type PlannedSource } from './planted-events.ts';

/** A source and its credential. */
export type Sender = { readonly source: PlannedSource; readonly token: string };

/** How they send. */
export type ProducerOptions = {
  readonly senders: readonly Sender[];
  /** Where the installation listens now; asked before each attempt. */
  readonly url: () => string;
  readonly postEvents: number;
  readonly seed: number;
  /** Told after each post that was acknowledged: how many events are, in all. */
  readonly onAcked?: (events: number) => void;
};

/** What became of everything sent. */
export type Sent = {
  /** Ids in the order of their first attempt. */
  readonly attempted: string[];
  readonly acked: Set<string>;
  /** Posts sent again, by why. */
  readonly unsure: Record<string, number>;
  /** Answers that no correct run gives; one text each. */
  readonly refused: string[];
};

type Answer = { readonly status: number; readonly retryAfter: string | undefined; readonly body: string };
type Item = { readonly id?: string | null; readonly status: string; readonly code?: string };

/** How many posts hang up right after sending. */
const HANG_UP_SHARE = 0.03;
/** How many claim another tenant in their headers: the credential says whose they are, and nothing else. */
const CLAIM_SHARE = 0.1;
const ANSWER_MS = 8_000;
const PAUSE_MS = 50;
/** A post that is not acknowledged after this long ends the run. */
const GIVE_UP_MS = 90_000;

/** Sends everything; resolves when all is acknowledged. @throws when a post is not, long after the last fault */
export async function produce(options: ProducerOptions, sent: Sent): Promise<void> {
  await Promise.all(
    options.senders.map(async (sender, index) => {
      const random = createRandom(options.seed * 7919 + index);
      const { events } = sender.source;
      for (let from = 0; from < events.length; from += options.postEvents) {
        const batch = events.slice(from, from + options.postEvents);
        for (const event of batch) sent.attempted.push(event.id);
        const manners = { hangUp: random() < HANG_UP_SHARE, claimsTenant: random() < CLAIM_SHARE };
        await postUntilAcked(batch, { ...options, sender, ...manners }, sent);
        options.onAcked?.(sent.acked.size);
      }
    }),
  );
}

/** Nothing sent yet. */
export function nothingSent(): Sent {
  return { attempted: [], acked: new Set(), unsure: {}, refused: [] };
}

type PostContext = ProducerOptions & { readonly sender: Sender; readonly hangUp: boolean; readonly claimsTenant: boolean };

async function postUntilAcked(batch: readonly PlannedEvent[], context: PostContext, sent: Sent): Promise<void> {
  const deadline = performance.now() + GIVE_UP_MS;
  const body = batch.map((event) => `${event.text}\n`).join('');
  for (let { hangUp } = context; performance.now() < deadline; hangUp = false) {
    const why = await attempt(batch, body, { ...context, hangUp }, sent);
    if (why === undefined) return;
    sent.unsure[why] = (sent.unsure[why] ?? 0) + 1;
    if (why !== 'hung up') await delay(PAUSE_MS); // a producer's manners, not something waited for
  }
  throw new Error(
    `${context.sender.source.name}: ${batch[0]?.id} … is not acknowledged after ${GIVE_UP_MS} ms: ${JSON.stringify(sent.unsure)}`,
  );
}

/** Undefined when acknowledged or refused for good, else why it must be sent again. */
async function attempt(batch: readonly PlannedEvent[], body: string, context: PostContext, sent: Sent): Promise<string | undefined> {
  let answer: Answer;
  try {
    const { claimsTenant, hangUp } = context;
    answer = await postEvents(context.url(), { token: context.sender.token, body, hangUp, claimsTenant });
  } catch (error) {
    return context.hangUp ? 'hung up' : ((error as NodeJS.ErrnoException).code ?? String(error));
  }
  if (answer.status === 503 || answer.status === 429) {
    if (answer.retryAfter === undefined) sent.refused.push(`${answer.status} without Retry-After: ${answer.body.slice(0, 200)}`);
    return String(answer.status);
  }
  if (answer.status !== 202) {
    sent.refused.push(`${answer.status}: ${answer.body.slice(0, 300)}`);
    return undefined;
  }
  const { items } = JSON.parse(answer.body) as { items: readonly Item[] };
  for (const [index, { id }] of batch.entries()) {
    const item = items[index];
    if (item?.id === id && (item.status === 'stored' || item.status === 'duplicate')) sent.acked.add(id);
    else sent.refused.push(`item ${index} (${id}): ${JSON.stringify(item)}`);
  }
  return undefined;
}

/** One request. Rejects when the connection breaks, nothing answers in time, or it hung up. */
export function postEvents(
  url: string,
  { token, body, hangUp = false, claimsTenant = false }: { token: string; body: string; hangUp?: boolean; claimsTenant?: boolean },
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const claim = claimsTenant ? { 'x-tenant': FOREIGN_TENANT, 'x-tocsin-tenant': FOREIGN_TENANT } : {};
    const length = { 'content-length': Buffer.byteLength(body) };
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/x-ndjson', ...length, ...claim };
    const sending: ClientRequest = request(`${url}/api/v1/events`, { method: 'POST', headers, timeout: ANSWER_MS });
    sending.on('timeout', () => sending.destroy(Object.assign(new Error('no answer in time'), { code: 'timeout' })));
    sending.on('error', reject);
    sending.on('response', (response: IncomingMessage) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        resolve({
          status: response.statusCode ?? 0,
          retryAfter: response.headers['retry-after'],
          body: Buffer.concat(chunks).toString('utf8'),
        });
      });
    });
    sending.end(body, () => {
      if (hangUp) sending.destroy(new Error('hung up'));
    });
  });
}
