/** `GET /alerts/:id/evidence`: the original bytes of an alert's first events, out of the log while it keeps them, else the excerpt. */
import { openFrame, type Stored } from '@tocsin/bus';
import { type Evidence, type FrameView, isTocsinError, type Position, sha256Hex, TocsinError } from '@tocsin/core';
import type { ApiContext, Route } from '../route.ts';

export const showEvidence: Route = {
  method: 'GET',
  path: '/alerts/:id/evidence',
  action: 'events.read',
  summary: 'Show the original events behind an alert',
  answer: {
    type: 'object',
    required: ['evidence'],
    properties: {
      evidence: {
        type: 'array',
        items: {
          type: 'object',
          required: ['source', 'eventId', 'time', 'sha256', 'from', 'record', 'verified'],
          properties: {
            source: { type: 'string' },
            eventId: { type: 'string' },
            time: { type: 'string', format: 'date-time' },
            sha256: { type: 'string', description: 'SHA-256 of the original bytes, as noted when the rule matched' },
            from: { type: 'string', enum: ['log', 'excerpt', 'gone'], description: 'Where the record was read' },
            record: { type: 'string', description: 'The record, as UTF-8 text' },
            verified: { type: 'boolean', description: 'Whether the bytes read have that hash' },
          },
        },
      },
    },
  },
  async handle({ context, principal, params }) {
    const id = params['id'] ?? '';
    const detail = await context.store.getAlert(principal.tenant, id);
    if (!detail) throw new TocsinError('api.not_found', { what: 'alert', id });
    const records = await readRecords(context, principal.tenant, detail.alert.evidence);
    return { evidence: detail.alert.evidence.map((each) => describe(each, records.get(keyOf(each.at.position, each.at.index)))) };
  },
};

/** Original bytes by position and index; frames that have gone, or are another tenant's, give nothing. */
async function readRecords(context: ApiContext, tenant: string, evidence: readonly Evidence[]): Promise<Map<string, Uint8Array>> {
  const positions = [...new Set(evidence.map((each) => each.at.position))];
  const records = new Map<string, Uint8Array>();
  for (const stored of await readKept(context, positions)) {
    const frame = openOwn(stored, tenant);
    for (const { at } of evidence) {
      if (at.position === stored.position && frame && at.index < frame.header.count)
        records.set(keyOf(at.position, at.index), frame.record(at.index));
    }
  }
  return records;
}

/** A log that was made anew keeps none of them. */
async function readKept({ bus }: ApiContext, positions: readonly Position[]): Promise<Stored[]> {
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

function describe(evidence: Evidence, record: Uint8Array | undefined): object {
  const { source, eventId, timeMs, sha256, excerpt } = evidence;
  const known = { source, eventId, time: new Date(timeMs).toISOString(), sha256 };
  if (record && sha256Hex(record) === sha256) return { ...known, from: 'log', record: Buffer.from(record).toString(), verified: true };
  if (excerpt === undefined) return { ...known, from: 'gone', record: '', verified: false };
  return { ...known, from: 'excerpt', record: excerpt, verified: sha256Hex(excerpt) === sha256 };
}
