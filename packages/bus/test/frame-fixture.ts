/** Records and header fields for the tests of the frame codec. */
import type { FrameRecord } from '@tocsin/core';
import type { FrameFields } from '../src/frame/encode-frame.ts';

const encoder = new TextEncoder();

/** Header fields of the golden frame. */
export const goldenFields: FrameFields = {
  id: '01JD0000000000000000000000.3.live.7',
  tenant: 'acme',
  lane: 'live',
  partition: 3,
  epoch: '01JD0000000000000000000000',
  ordinal: 4_294_967_300,
  site: 'north',
  mappingVersions: { 'json.any': '1' },
};

/** Two records that use every column between them. */
export const goldenRecords: readonly FrameRecord[] = [
  frameRecord({ id: 'a-1', record: encoder.encode('{"n":1}') }),
  frameRecord({
    id: 'ü-2',
    source: 'edge',
    type: 'login',
    mapping: 'linux.sshd',
    schemaVersion: 3,
    timeMs: -1,
    receivedMs: 1_700_000_000_123,
    severity: 4,
    classUid: 3002,
    activityId: 99,
    attributes: {
      'device.hostname': 'ws-1',
      'actor.user.name': 'eve',
      'src_endpoint.ip': '192.0.2.1',
      'dst_endpoint.ip': '2001:db8::1',
      'process.file.path': 'C:\\a.exe',
      'api.operation': 'GetObject',
      status: 'failure',
    },
    flags: ['time_missing', 'time_clamped', 'tenant_claim', 'id_conflict'],
    subject: 'door',
    correlationId: 'c-1',
    causationId: 'c-0',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    producerId: true,
    record: encoder.encode('{"n":"\u00e4"}'),
  }),
];

/** A record with plain defaults. */
export function frameRecord(over: Partial<FrameRecord> = {}): FrameRecord {
  return {
    id: 'id',
    source: 'src',
    type: 'json.any',
    mapping: 'json.any',
    schemaVersion: 1,
    timeMs: 1_700_000_000_000,
    receivedMs: 1_700_000_000_001,
    severity: 1,
    classUid: 0,
    activityId: 0,
    attributes: {},
    flags: [],
    subject: undefined,
    correlationId: undefined,
    causationId: undefined,
    traceparent: undefined,
    producerId: false,
    record: encoder.encode('{}'),
    ...over,
  };
}
