/**
 * The owner of one partition: reads it in order without acks, folds, and writes alerts and its checkpoint in one atomic batch.
 * Any doubt (gap, silence, unknown outcome, lost compare-and-set) has one answer: reload the checkpoint and read on from there.
 */
import type { NatsConnection } from '@nats-io/transport-node';
import type { BatchMessage, BatchPublisher } from './batch-publisher.ts';
import { createFold, type Fold, type FoldState, type SpikeAlert } from './fold.ts';
import { alertStream, decodeFrame, eventStream } from './frame.ts';
import { readOrdered } from './ordered-reader.ts';

/** Position reached (sequence in the event stream) and the fold's state at it. */
export type Checkpoint = { readonly position: number; readonly state: FoldState };

/** What the owner of one partition works with. */
export type OwnerOptions = {
  readonly partition: number;
  readonly connection: NatsConnection;
  readonly publisher: BatchPublisher;
  readonly ready: () => Promise<void>;
};

const checkpointEveryMs = 250;

/** Runs until the process ends. */
export async function runOwner(options: OwnerOptions): Promise<never> {
  for (;;) {
    await options.ready();
    try {
      await ownOnce(options);
    } catch {
      continue; // the server is away, and ready() waits for it; what was read is read again from the checkpoint
    }
  }
}

/** Returns when in doubt. */
async function ownOnce(options: OwnerOptions): Promise<void> {
  const { partition, connection } = options;
  const subject = `tocsin.checkpoint.${partition}`;
  const found = await loadCheckpoint(connection, subject);
  const fold = createFold(found.checkpoint?.state);
  let revision = found.revision;
  let committed = found.checkpoint?.position ?? 0;
  let position = committed;
  let alerts: SpikeAlert[] = [];
  let lastCommit = performance.now();
  const messages = readOrdered(connection, { stream: eventStream, filter: `tocsin.events.live.${partition}.>`, from: position + 1 });
  for await (const message of messages) {
    if (message !== 'idle') {
      const tenant = message.subject.split('.').at(-1) ?? '';
      alerts.push(...advanceFrame(fold, tenant, message.body));
      position = message.sequence;
    }
    const isDue = alerts.length > 0 || performance.now() - lastCommit > checkpointEveryMs;
    if (position === committed || !isDue) continue;
    const outcome = await options.publisher.commit(makeBatch({ subject, revision, position, fold, alerts }));
    if (outcome.kind !== 'stored') return;
    revision = outcome.lastSequence;
    committed = position;
    alerts = [];
    lastCommit = performance.now();
  }
}

/** An event whose tenant isn't the subject's is not folded. */
function advanceFrame(fold: Fold, tenant: string, body: Uint8Array): SpikeAlert[] {
  const events = decodeFrame(body).filter((event) => event.tenant === tenant);
  return events.map((event) => fold.advance(event)).filter((alert) => alert !== undefined);
}

type Step = {
  readonly subject: string;
  readonly revision: number;
  readonly position: number;
  readonly fold: Fold;
  readonly alerts: readonly SpikeAlert[];
};

/** Alerts expect an unused subject; the checkpoint comes last so that its sequence is the batch's, and expects our own last one (fencing). */
function makeBatch(step: Step): BatchMessage[] {
  const alerts = step.alerts.map((alert) => ({
    subject: `tocsin.alerts.${alert.tenant}.${alert.id}`,
    id: alert.id,
    body: Buffer.from(JSON.stringify(alert)),
    expectedLast: 0,
  }));
  const checkpoint: Checkpoint = { position: step.position, state: step.fold.state };
  const id = `${step.subject}:${step.position}:${step.revision}`;
  return [...alerts, { subject: step.subject, id, body: Buffer.from(JSON.stringify(checkpoint)), expectedLast: step.revision }];
}

async function loadCheckpoint(connection: NatsConnection, subject: string): Promise<{ checkpoint?: Checkpoint; revision: number }> {
  const request = JSON.stringify({ last_by_subj: subject });
  const answer = await connection.request(`$JS.API.DIRECT.GET.${alertStream}`, request, { timeout: 1000 });
  if (answer.headers?.code === 404) return { revision: 0 };
  const revision = Number(answer.headers?.get('Nats-Sequence'));
  if (!(revision > 0)) throw new Error(`checkpoint of ${subject} unreadable: status ${answer.headers?.code ?? 0}`);
  return { checkpoint: JSON.parse(new TextDecoder().decode(answer.data)) as Checkpoint, revision };
}
