/**
 * The second of security's two doors: every change by a person or program passes here. It authorises, writes AUDIT
 * ahead, runs the effect, and writes the outcome. No audit, no effect: when AUDIT cannot be written the effect is not run.
 */
import { type Clock, isTocsinError, TocsinError } from '@tocsin/core';
import type { AuditRecord, AuditTrail } from './audit-trail.ts';
import { type Action, mayDo, type Principal } from './principal.ts';

/** What is to be done, in words for AUDIT. */
export interface PrivilegedAct {
  readonly action: Action;
  /** What it is done to, such as `alert/4f…`. */
  readonly resource: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

/**
 * Runs `effect` as an audited act. @throws auth.forbidden when no role grants the action (audited as refused), auth.audit_failed
 * when AUDIT cannot be written, else whatever the effect throws.
 */
export type Privileged = <T>(principal: Principal, act: PrivilegedAct, effect: () => Promise<T>) => Promise<T>;

/** How long AUDIT may take before the act is refused, milliseconds. */
const AUDIT_DEADLINE_MS = 5000;

/** The door, writing to this trail. */
export function createPrivileged(deps: { trail: AuditTrail; clock: Clock; nextId: () => string }): Privileged {
  return async (principal, act, effect) => {
    const record = (phase: AuditRecord['phase'], result?: string): AuditRecord => ({
      id,
      phase,
      atMs: deps.clock.nowMs(),
      tenant: principal.tenant,
      actor: principal.actor,
      credentialId: principal.credentialId,
      ...act,
      ...(result === undefined ? {} : { result }),
    });
    const id = deps.nextId();
    if (!mayDo(principal, act.action)) {
      await append(deps.trail, record('refused', 'auth.forbidden'));
      throw new TocsinError('auth.forbidden', { actor: principal.actor, action: act.action });
    }
    await append(deps.trail, record('intent'));
    try {
      const outcome = await effect();
      await append(deps.trail, record('outcome', 'done'));
      return outcome;
    } catch (error) {
      if (!isTocsinError(error, 'auth.audit_failed')) await append(deps.trail, record('outcome', describe(error)));
      throw error;
    }
  };
}

async function append(trail: AuditTrail, record: AuditRecord): Promise<void> {
  const deadline = AbortSignal.timeout(AUDIT_DEADLINE_MS);
  const late = new Promise<never>((_, refuse) => {
    deadline.addEventListener('abort', () => refuse(deadline.reason), { once: true });
  });
  try {
    await Promise.race([trail.append(record), late]);
  } catch (cause) {
    throw new TocsinError('auth.audit_failed', { action: record.action, resource: record.resource, phase: record.phase }, { cause });
  }
}

function describe(error: unknown): string {
  return isTocsinError(error) ? `${error.code}: ${error.message}` : String(error);
}
