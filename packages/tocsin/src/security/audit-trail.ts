/**
 * AUDIT: what people and programs asked to change, written before it takes effect, and how it ended, written after.
 * An intent without an outcome means that the process died in between: the effect may or may not have happened.
 */
import type { EventBus, ReplayLog, Stored } from '@tocsin/bus';
import type { Position } from '@tocsin/core';
import { auditSubject } from '../subjects.ts';
import type { Action } from './principal.ts';

/** One record on AUDIT. */
export interface AuditRecord {
  /** Joins intent and outcome; ULID. */
  readonly id: string;
  readonly phase: 'intent' | 'outcome' | 'refused';
  readonly atMs: number;
  readonly tenant: string;
  readonly actor: string;
  readonly credentialId: string;
  readonly action: Action;
  /** What it is done to, such as `alert/4f…` or `source/edr`. */
  readonly resource: string;
  /** State before and after, as far as the act knows them; never a secret. */
  readonly before?: unknown;
  readonly after?: unknown;
  /** Of an outcome: `done`, or the error's code and text. */
  readonly result?: string | undefined;
}

/** AUDIT as far as it is written. */
export interface AuditTrail {
  /** Resolves when the record is durable. */
  append(record: AuditRecord): Promise<void>;
}

/** AUDIT on the bus. */
export function createAuditTrail(bus: Pick<EventBus, 'commit'>): AuditTrail {
  return {
    async append(record) {
      await bus.commit([
        { subject: auditSubject(record.tenant), id: `${record.id}.${record.phase}`, body: Buffer.from(JSON.stringify(record)) },
      ]);
    },
  };
}

/** Part of a trail. */
export interface AuditPage {
  /** Oldest first. */
  readonly records: readonly AuditRecord[];
  /** What to give as `before` for the page of older ones; undefined where there are none. */
  readonly next: Position | undefined;
}

/** Time before the end of a page in which its records are looked for first, milliseconds, and by how much more each time they are too few. */
const FIRST_WINDOW_MS = 600_000;
const WIDER = 16;
/** Longer than any trail is kept, milliseconds. */
const WIDEST_MS = 2 * 366 * 86_400_000;

/** A tenant's newest audit records, those before a position where one is given. Reads little more than the page. @throws bus.bad_position */
export async function readAudit(
  log: Pick<ReplayLog, 'read' | 'get' | 'last'>,
  tenant: string,
  { limit, before }: { readonly limit: number; readonly before?: Position | undefined },
): Promise<AuditPage> {
  const subject = auditSubject(tenant);
  const end = before === undefined ? await log.last(subject) : (await log.get([before]))[0];
  if (end === undefined) return { records: [], next: undefined };
  for (let windowMs = FIRST_WINDOW_MS; ; windowMs *= WIDER) {
    const isAll = windowMs > WIDEST_MS;
    const found: Stored[] = [];
    for await (const stored of log.read(subject, isAll ? 'first' : new Date(end.storedMs - windowMs), { until: end.position })) {
      if (stored.position !== before) found.push(stored);
      // One more than the page says that there is another.
      if (found.length > limit + 1) found.shift();
    }
    if (found.length <= limit && !isAll) continue;
    const page = found.slice(-limit);
    return { records: page.map(parseAudit), next: found.length > limit ? page[0]?.position : undefined };
  }
}

function parseAudit(stored: Stored): AuditRecord {
  return JSON.parse(Buffer.from(stored.body).toString()) as AuditRecord;
}
