/**
 * What ingest decides about one record beyond what its mapping found: identity, time, flags, bounds of texts. Pure; what arrives
 * here may be hostile, what leaves is within bounds.
 */
import { type EventFlag, type Fields, type FrameRecord, nameMapping } from '@tocsin/core';
import type { Mapped } from './mappings/compile-mapping.ts';
import type { Envelope, Source } from './source.ts';

/** Longest id, type, subject and the like, in UTF-16 units. A record with a longer id is refused, other texts are cut. */
const MAX_TEXT_UNITS = 1024;

/** Latest time that a date can have (ECMA-262, time values). */
const MAX_TIME_MS = 8.64e15;

/** Everything known about a record when it becomes an event. */
export interface EventParts {
  readonly source: Source;
  readonly bytes: Uint8Array;
  readonly fields: Fields;
  readonly mapped: Mapped;
  readonly envelope: Envelope | undefined;
  readonly id: string;
  readonly producerId: boolean;
  readonly receivedMs: number;
  /** How far in the future of receipt an event's time may lie, milliseconds. */
  readonly maxSkewMs: number;
}

/** The event as it will be framed. */
export function toFrameRecord(parts: EventParts): FrameRecord {
  const { source, mapped, envelope, receivedMs } = parts;
  const flags: EventFlag[] = [];
  const timeMs = clampTime(mapped.timeMs ?? envelope?.timeMs, parts, flags);
  if (claimsOtherTenant(parts.fields, envelope, source.tenant)) flags.push('tenant_claim');
  return {
    id: parts.id,
    source: source.name,
    type: cut(envelope?.type ?? mapped.type),
    schemaVersion: 1,
    timeMs,
    receivedMs,
    severity: mapped.severity,
    classUid: mapped.classUid,
    activityId: mapped.activityId,
    mapping: nameMapping(mapped.mapping, source.logSource),
    attributes: mapped.attributes,
    flags: flags.length === 0 ? NO_FLAGS : flags,
    subject: cutOptional(envelope?.subject),
    correlationId: cutOptional(envelope?.correlationId),
    causationId: cutOptional(envelope?.causationId),
    traceparent: cutOptional(envelope?.traceparent),
    producerId: parts.producerId,
    record: parts.bytes,
  };
}

/** Why a producer's id cannot be used; undefined where it can. */
export function badId(id: string): string | undefined {
  if (id === '') return 'its id is empty';
  if (id.length > MAX_TEXT_UNITS) return `its id is longer than ${MAX_TEXT_UNITS} characters`;
  // Two ids that differ only in half a character would be stored as the same.
  return id.isWellFormed() ? undefined : 'its id holds half a character';
}

const NO_FLAGS: readonly EventFlag[] = Object.freeze([]);
/** Members by which a record may claim a tenant. */
export const CLAIMS: readonly string[] = ['tenant', 'tenant_id', 'tenantid'];

function clampTime(timeMs: number | undefined, parts: EventParts, flags: EventFlag[]): number {
  if (timeMs === undefined || !(Math.abs(timeMs) <= MAX_TIME_MS)) {
    flags.push('time_missing');
    return parts.receivedMs;
  }
  const latestMs = parts.receivedMs + parts.maxSkewMs;
  if (timeMs <= latestMs) return Math.floor(timeMs);
  flags.push('time_clamped');
  return latestMs;
}

function claimsOtherTenant(fields: Fields, envelope: Envelope | undefined, tenant: string): boolean {
  if (envelope?.tenantClaim !== undefined && envelope.tenantClaim !== tenant) return true;
  return CLAIMS.some((name) => {
    const claim = Object.hasOwn(fields, name) ? fields[name] : undefined;
    return (typeof claim === 'string' || typeof claim === 'number') && String(claim) !== tenant;
  });
}

function cutOptional(text: string | undefined): string | undefined {
  return text === undefined || text === '' ? undefined : cut(text);
}

function cut(text: string): string {
  return text.length <= MAX_TEXT_UNITS ? text : text.slice(0, MAX_TEXT_UNITS);
}
