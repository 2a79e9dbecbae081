/** The original records behind an alert: out of the log while it keeps them, else the excerpt kept with the alert. */
import { openFrame, type Stored } from '@tocsin/bus';
import { type Evidence, type FrameView, isTocsinError, type Position, sha256Hex } from '@tocsin/core';
import type { ApiContext } from './route.ts';

/** A record as it was found. */
export interface FoundRecord {
  readonly evidence: Evidence;
  readonly from: 'log' | 'excerpt' | 'gone';
  /** Empty where it is gone. */
  readonly bytes: Uint8Array;
  /** Whether the bytes have the hash that was noted when the rule matched. */
  readonly verified: boolean;
  /** Mapping that read it; known of records from the log only. */
  readonly mapping?: string | undefined;
}

/** The records of evidence, in its order. Those of another tenant are never read. */
export async function findRecords(context: Pick<ApiContext, 'bus'>, tenant: string, evidence: readonly Evidence[]): Promise<FoundRecord[]> {
  const logged = await readLogged(context, tenant, evidence);
  return evidence.map((each): FoundRecord => {
    const found = logged.get(keyOf(each.at.position, each.at.index));
    if (found && sha256Hex(found.bytes) === each.sha256) return { evidence: each, from: 'log', ...found, verified: true };
    if (each.excerpt === undefined) return { evidence: each, from: 'gone', bytes: new Uint8Array(), verified: false };
    return { evidence: each, from: 'excerpt', bytes: Buffer.from(each.excerpt), verified: sha256Hex(each.excerpt) === each.sha256 };
  });
}

/** A record of evidence as the API tells it. */
export function describeEvidence({ evidence, from, bytes, verified }: FoundRecord): object {
  const { source, eventId, timeMs, sha256 } = evidence;
  return { source, eventId, time: new Date(timeMs).toISOString(), sha256, from, record: Buffer.from(bytes).toString(), verified };
}

interface Logged {
  readonly bytes: Uint8Array;
  readonly mapping: string;
}

/** Original bytes by position and index; frames that have gone, or are another tenant's, give nothing. */
async function readLogged(context: Pick<ApiContext, 'bus'>, tenant: string, evidence: readonly Evidence[]): Promise<Map<string, Logged>> {
  const positions = [...new Set(evidence.map((each) => each.at.position))];
  const records = new Map<string, Logged>();
  for (const stored of await readKept(context, positions)) {
    const frame = openOwn(stored, tenant);
    for (const { at } of evidence) {
      if (at.position === stored.position && frame && at.index < frame.header.count)
        records.set(keyOf(at.position, at.index), { bytes: frame.record(at.index), mapping: frame.mapping(at.index) });
    }
  }
  return records;
}

/** A log that was made anew keeps none of them. */
async function readKept({ bus }: Pick<ApiContext, 'bus'>, positions: readonly Position[]): Promise<Stored[]> {
  try {
    return await bus.get(positions);
  } catch (error) {
    if (isTocsinError(error, 'bus.bad_position')) return [];
    throw error;
  }
}

function openOwn(stored: Stored, tenant: string): FrameView | undefined {
  try {
    return openFrame(stored.body, { tenant });
  } catch (error) {
    if (isTocsinError(error, 'bus.bad_frame')) return undefined;
    throw error;
  }
}

function keyOf(position: Position, index: number): string {
  return `${position}#${index}`;
}
