/** Events named on the command line for commands that need no installation: JSON text, `-`, or files, whole in memory. */
import { TocsinError } from '@tocsin/core';
import { loadMappings, type MappingSet, readShippedMappings } from '@tocsin/ingest';
import { type RoutedEvent, routeRecord } from '../../rules/route-event.ts';
import { openInput } from '../playback/open-input.ts';

/** An event and where it stood. */
export interface NamedEvent extends RoutedEvent {
  /** Such as `events.ndjson:17`. */
  readonly where: string;
}

/** What was read. */
export interface ReadEvents {
  readonly events: readonly NamedEvent[];
  /** Records that could not be read, the first 20. */
  readonly refused: readonly { readonly where: string; readonly reason: string }[];
  readonly refusedCount: number;
}

/** How events are read. */
export interface ReadEventsOptions {
  readonly mappings: MappingSet;
  readonly stdin: AsyncIterable<Uint8Array>;
  /** Mapping by which all are read, instead of by their looks. */
  readonly mapping?: string | undefined;
}

/** Plain bytes of one input: its events are held in memory, several times as large. */
const MAX_BYTES = 64 * 1024 * 1024;
const MAX_REFUSED = 20;

/** The mappings that come with Tocsin. */
export function shippedMappings(): MappingSet {
  return loadMappings(readShippedMappings());
}

/** A mapping named on the command line. @throws cli.bad_option where there is none of that name */
export function knownMapping(mappings: MappingSet, name: string | undefined): string | undefined {
  if (name === undefined || mappings.formatOf(name) !== undefined) return name;
  const near = mappings.specs.map(({ id }) => id).filter((id) => id.includes(name) || name.includes(id));
  const wants = near.length > 0 ? `one of ${near.slice(0, 8).join(', ')}` : 'a mapping such as windows.sysmon.process_creation';
  throw new TocsinError('cli.bad_option', { option: '--mapping', given: name, wants });
}

/** Every event at a path, from standard input for `-`, or in JSON text. @throws cli.unreadable */
export async function readEvents(given: string, options: ReadEventsOptions): Promise<ReadEvents> {
  if (/^\s*[{[]/.test(given)) return routeAll('event', given, options);
  const input = await openInput(given, options.stdin);
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of input.bytes) {
    size += part.length;
    if (size > MAX_BYTES)
      throw new TocsinError('cli.unreadable', { path: input.name, reason: `it is longer than ${MAX_BYTES} bytes; give a part of it` });
    parts.push(part);
  }
  return routeAll(input.name, Buffer.concat(parts).toString('utf8'), options);
}

function routeAll(name: string, text: string, { mappings, mapping }: ReadEventsOptions): ReadEvents {
  const events: NamedEvent[] = [];
  const refused: { where: string; reason: string }[] = [];
  let refusedCount = 0;
  for (const { record, place } of recordsOf(text)) {
    const where = place === 0 ? name : `${name}:${place}`;
    for (const routed of routeRecord(mappings, Buffer.from(record), mapping)) {
      if ('fields' in routed) events.push({ ...routed, where });
      else if (refusedCount++ < MAX_REFUSED) refused.push({ where, reason: routed.refused });
    }
  }
  if (events.length === 0) throw new TocsinError('cli.unreadable', { path: name, reason: refused[0]?.reason ?? 'there is no event in it' });
  return { events, refused, refusedCount };
}

/** One JSON value over any number of lines, the elements of an array, or lines. Places count from 1; 0 for the only one. */
function recordsOf(text: string): { record: string; place: number }[] {
  const whole = parseWhole(text);
  if (Array.isArray(whole)) return whole.map((one, index) => ({ record: JSON.stringify(one), place: index + 1 }));
  if (whole !== undefined) return [{ record: text, place: 0 }];
  // Objects written over several lines one after another, as evtx_dump does.
  if (/^\s*\{\s*\n/.test(text)) return text.split(/(?<=\n\})\s*\n(?=\{)/).map((record, index) => ({ record, place: index + 1 }));
  return text
    .split('\n')
    .map((line, index) => ({ record: line, place: index + 1 }))
    .filter(({ record }) => record.trim() !== '');
}

function parseWhole(text: string): unknown {
  if (!/^\s*[{[]/.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // several values, one per line
  }
}
