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
  return mayBeTold(carried) ? holdAgainstAll(carried) : undefined;
}

/** The same, held against each format. */
export function holdAgainstAll(carried: CarriedLine): { readonly format: string; readonly fields: Fields } | undefined {
  const { line, envelope } = carried;
  const isHeaded = hasHeader(envelope);
  for (const format of tellingFormats) {
    if (!format.looks(line) && !(isHeaded && format.looks(envelope.message))) continue;
    const fields = readCarried(format, carried);
    if (fields !== undefined) return { format: format.name, fields };
  }
  return undefined;
}

/** Whether a line may look like a telling format: a few bytes are looked at, so that most lines need not be held against each. */
function mayBeTold({ line, envelope }: CarriedLine): boolean {
  return line.includes('EF:') || line.includes('] "') || beginsAsTelling(line) || beginsAsTelling(envelope.message);
}

/** A digit or comma (firewall, VPC flow), a bracket (a web server's error), words of auditd. */
function beginsAsTelling(text: string): boolean {
  const unit = text.charCodeAt(0);
  if (unit === COMMA || unit === OPEN_BRACKET || (unit >= DIGIT_0 && unit <= DIGIT_9)) return true;
  return text.startsWith('type=') || text.startsWith('node=') || text.startsWith('audit: ');
}

const COMMA = 0x2c;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
const OPEN_BRACKET = 0x5b;

/** The same for `key=value`, which much else looks like: asked last. */
export function readAsPairs(carried: CarriedLine): { readonly format: string; readonly fields: Fields } | undefined {
  if (!keyValueFormat.looks(carried.line)) return undefined;
  const fields = readCarried(keyValueFormat, carried);
  return fields === undefined ? undefined : { format: keyValueFormat.name, fields };
}
