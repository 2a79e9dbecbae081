/** The formats of lines, in the order in which a line is held against them where its looks decide. */
import type { Fields } from '@tocsin/core';
import { hasHeader } from '../syslog/syslog-line.ts';
import { accessLogFormat } from './access-log.ts';
import { auditdFormat } from './auditd.ts';
import { type CarriedLine } from './carried-line.ts';
import { cefFormat } from './cef.ts';
import { keyValueFormat } from './key-value.ts';
import { leefFormat } from './leef.ts';
import { type LineFormat, readCarried } from './line-format.ts';
import { pfsenseFormat } from './pfsense.ts';
import { vpcFlowFormat } from './vpc-flow.ts';

/** Formats that a line is told by beyond doubt. */
const tellingFormats: readonly LineFormat[] = [auditdFormat, cefFormat, leefFormat, accessLogFormat, vpcFlowFormat, pfsenseFormat];

/** A line's format and fields, where it looks like one of the telling formats, as it is or behind its syslog header. */
export function readByTelling(carried: CarriedLine): { readonly format: string; readonly fields: Fields } | undefined {
  const { line, envelope } = carried;
  const isHeaded = hasHeader(envelope);
  for (const format of tellingFormats) {
    if (!format.looks(line) && !(isHeaded && format.looks(envelope.message))) continue;
    const fields = readCarried(format, carried);
    if (fields !== undefined) return { format: format.name, fields };
  }
  return undefined;
}

/** The same for `key=value`, which much else looks like: asked last. */
export function readAsPairs(carried: CarriedLine): { readonly format: string; readonly fields: Fields } | undefined {
  if (!keyValueFormat.looks(carried.line)) return undefined;
  const fields = readCarried(keyValueFormat, carried);
  return fields === undefined ? undefined : { format: keyValueFormat.name, fields };
}
