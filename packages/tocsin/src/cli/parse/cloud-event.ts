/** A normalised record as a CloudEvent (CloudEvents 1.0, JSON format) with its OCSF object as data. */
import type { FrameRecord } from '@tocsin/core';
import type { AcceptedRecord, OcsfBuilder } from '@tocsin/ingest';

/** The CloudEvent of an event; `build` makes its data. */
export function cloudEventOf(event: FrameRecord, decoded: AcceptedRecord, build: OcsfBuilder): Record<string, unknown> {
  return {
    specversion: '1.0',
    id: event.id,
    source: event.source,
    type: event.type,
    time: new Date(event.timeMs).toISOString(),
    datacontenttype: 'application/json',
    severity: event.severity,
    receivedtime: new Date(event.receivedMs).toISOString(),
    mapping: event.mapping,
    format: decoded.format,
    ...(event.flags.length === 0 ? {} : { flags: event.flags.join(',') }),
    data: build({ ...event, format: decoded.format, fields: decoded.fields }),
  };
}
