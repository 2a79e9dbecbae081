/** What every line of the log about an event says of it, so that a line finds its event and an event its lines. */
import type { SecurityEvent } from '@tocsin/core';

/** The four facts that every line about an event carries. */
export function eventFields(event: Pick<SecurityEvent, 'id' | 'type' | 'tenant' | 'correlationId'>): Record<string, string | null> {
  return { event_id: event.id, event_type: event.type, tenant_id: event.tenant, correlation_id: event.correlationId ?? null };
}
