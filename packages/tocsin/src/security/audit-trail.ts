/**
 * AUDIT: what people and programs asked to change, written before it takes effect, and how it ended, written after.
 * An intent without an outcome means that the process died in between: the effect may or may not have happened.
 */
import type { EventBus, ReplayLog, Stored } from '@tocsin/bus';
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

/** A tenant's newest audit records, oldest first. */
export async function readAudit(log: Pick<ReplayLog, 'read'>, tenant: string, limit: number): Promise<AuditRecord[]> {
  const records: AuditRecord[] = [];
  for await (const stored of log.read(auditSubject(tenant), 'first')) {
    records.push(parseAudit(stored));
    if (records.length > limit) records.shift();
  }
  return records;
}

function parseAudit(stored: Stored): AuditRecord {
  return JSON.parse(Buffer.from(stored.body).toString()) as AuditRecord;
}
