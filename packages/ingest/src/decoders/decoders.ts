/** The table of formats: a source names one of its keys. To add a format, write a decoder beside this file and add a row. */
import type { Fields } from '@tocsin/core';
import { autoDecoder } from './auto.ts';
import { cloudtrailDecoder } from './cloudtrail.ts';
import { jsonDecoder } from './json.ts';
import { accessLogFormat } from './lines/access-log.ts';
import { auditdFormat } from './lines/auditd.ts';
import { cefFormat } from './lines/cef.ts';
import { containerDecoder } from './lines/container.ts';
import { keyValueFormat } from './lines/key-value.ts';
import { leefFormat } from './lines/leef.ts';
import { createLineDecoder } from './lines/line-format.ts';
import { pfsenseFormat } from './lines/pfsense.ts';
import { vpcFlowFormat } from './lines/vpc-flow.ts';
import { linuxAuthDecoder } from './linux-auth.ts';
import { type DecodeLimits, defaultDecodeLimits, type RecordDecoder } from './record-decoder.ts';
import { rowsDecoder } from './rows.ts';
import { syslogDecoder } from './syslog-format.ts';
import { windowsJsonDecoder } from './windows-json.ts';
import { windowsXmlDecoder } from './windows-xml.ts';

/** Every decoder by the name of its format. */
export const decoders = {
  'access-log': createLineDecoder(accessLogFormat),
  auditd: createLineDecoder(auditdFormat),
  auto: autoDecoder,
  cef: createLineDecoder(cefFormat),
  cloudtrail: cloudtrailDecoder,
  container: containerDecoder,
  csv: rowsDecoder,
  evtx: rowsDecoder,
  json: jsonDecoder,
  'key-value': createLineDecoder(keyValueFormat),
  leef: createLineDecoder(leefFormat),
  'linux-auth': linuxAuthDecoder,
  pfsense: createLineDecoder(pfsenseFormat),
  syslog: syslogDecoder,
  'vpc-flow': createLineDecoder(vpcFlowFormat),
  w3c: rowsDecoder,
  'windows-json': windowsJsonDecoder,
  'windows-xml': windowsXmlDecoder,
  zeek: rowsDecoder,
} satisfies Record<string, RecordDecoder>;

/** A format that a source can name. */
export type FormatName = keyof typeof decoders;

/** Whether records of a format are JSON objects as they stand; undefined where they are not, or the format is unknown. */
export function jsonObjectsOf(format: string): RecordDecoder['jsonObjects'] {
  const decoder: RecordDecoder | undefined = isFormat(format) ? decoders[format] : undefined;
  return decoder?.jsonObjects;
}

/** Whether a name is a format's. */
export function isFormat(name: string): name is FormatName {
  return Object.hasOwn(decoders, name);
}

/**
 * Fields of one stored record, the same as when it was decoded at ingest; undefined where the format is unknown or the
 * bytes are not one record of it. Give the limits of ingest where they were larger than the default.
 */
export function fieldsOf(format: string, record: Uint8Array, limits: DecodeLimits = defaultDecodeLimits): Fields | undefined {
  if (!isFormat(format)) return undefined;
  const [decoded, second] = decoders[format].decode(record, limits);
  return decoded !== undefined && second === undefined && 'fields' in decoded ? decoded.fields : undefined;
}
