import type { FrameRecord } from '@tocsin/core';
import type { Source } from '@tocsin/ingest';
import { describe, expect, it } from 'vitest';
import { createFlagLog } from './flag-log.ts';
import { createLogger } from './log.ts';

const source: Source = { tenant: 'acme', name: 'edr', format: 'json', lane: 'live', shard: '' };
const event = { id: 'e1\n{"level":"forged"}', type: 'json', flags: ['tenant_claim'], correlationId: 'c1' } as unknown as FrameRecord;

describe('flag log', () => {
  it('tells who, which event and what in one line of JSON, whatever the event holds', () => {
    const lines: string[] = [];
    const told = createFlagLog(createLogger('info', { write: (line) => lines.push(line) }), { nowMs: () => 5000, monotonicMs: () => 0 });
    told(source, event);
    expect(lines).toHaveLength(1);
    expect(lines[0]?.trimEnd()).not.toContain('\n');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      event_id: event.id,
      event_type: 'json',
      tenant_id: 'acme',
      correlation_id: 'c1',
      flag: 'tenant_claim',
    });
  });

  it('makes a bounded number of lines of a flood and counts the rest', () => {
    const lines: string[] = [];
    let nowMs = 5000;
    const told = createFlagLog(createLogger('info', { write: (line) => lines.push(line) }), { nowMs: () => nowMs, monotonicMs: () => 0 });
    for (let i = 0; i < 1000; i++) told(source, event);
    expect(lines).toHaveLength(10);
    nowMs += 1000;
    told(source, event);
    expect(JSON.parse(lines[10] ?? '')).toMatchObject({ events: 990 });
  });
});
