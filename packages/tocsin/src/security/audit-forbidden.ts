/**
 * Puts attempts to send events without the right to on AUDIT: one record per credential and minute, with how many there were since the
 * record before, so that nobody can fill the trail by trying. The door answers without waiting for it.
 */
import { type Clock, tenantKey } from '@tocsin/core';
import type { AuditTrail } from './audit-trail.ts';
import type { Principal } from './principal.ts';

/** What it works with. */
export interface ForbiddenAuditOptions {
  readonly trail: AuditTrail;
  readonly clock: Clock;
  readonly nextId: () => string;
  readonly onTrouble: (error: unknown, what: string) => void;
}

const EVERY_MS = 60_000;
/** Credentials remembered; the one seen first is forgotten first, and at worst told again. */
const MAX_CREDENTIALS = 10_000;

/** To be told of each attempt. */
export function createForbiddenAudit({ trail, clock, nextId, onTrouble }: ForbiddenAuditOptions): (principal: Principal) => void {
  const seen = new Map<string, { toldMs: number; untold: number }>();
  return ({ tenant, actor, credentialId }) => {
    const key = tenantKey(tenant, credentialId);
    const nowMs = clock.monotonicMs();
    const known = seen.get(key);
    if (known !== undefined && nowMs - known.toldMs < EVERY_MS) {
      known.untold += 1;
      return;
    }
    const attempts = (known?.untold ?? 0) + 1;
    seen.set(key, { toldMs: nowMs, untold: 0 });
    if (seen.size > MAX_CREDENTIALS) seen.delete(seen.keys().next().value as string);
    const facts = { tenant, actor, credentialId, action: 'events.write', resource: 'route POST /events', after: { attempts } } as const;
    trail
      .append({ id: nextId(), phase: 'refused', atMs: clock.nowMs(), ...facts, result: 'auth.forbidden' })
      .catch((error: unknown) => onTrouble(error, 'writing a refused attempt on AUDIT'));
  };
}
