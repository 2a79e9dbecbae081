/** What `tocsin parse` does: files in, CloudEvents out, rejects on standard error, counts at the end. */
import { systemClock } from '@tocsin/core';
import { createOcsfBuilder, validateOcsf } from '@tocsin/ingest';
import { type CommandContext, choiceOption, type GivenOptions, textOption } from '../command.ts';
import { sayMany } from '../figures.ts';
import { shippedMappings } from '../rules/read-events.ts';
import { visible } from '../visible-text.ts';
import { cloudEventOf } from './cloud-event.ts';
import { type ReadRecord, readRecords } from './read-records.ts';
import { formatOfType } from './source-type.ts';

/** Counts of a whole run. */
export interface ParseSummary {
  records: number;
  events: number;
  /** By code. */
  readonly rejected: Record<string, number>;
  /** By OCSF class_uid. */
  readonly byClass: Record<string, number>;
  readonly byMapping: Record<string, number>;
  /** Events that do not keep to the schema; counted with `--strict`. */
  violations?: number;
}

const EXIT_BAD_DATA = 65;
/** Bytes of a rejected record that are shown. */
const SHOWN_BYTES = 256;

/** Runs the command. Resolves with the exit code: 65 where nothing could be read, or an event breaks the schema in strict mode. */
export async function runParse(context: CommandContext, paths: readonly string[], options: GivenOptions): Promise<number> {
  const { terminal, environment, interrupted } = context;
  const summaryOnly = choiceOption(textOption(options, 'summary'), '--summary', ['json']) !== undefined;
  const mappings = shippedMappings();
  const format = formatOfType(textOption(options, 'as'), mappings);
  const build = createOcsfBuilder(mappings);
  const isStrict = options['strict'] === true;
  const summary: ParseSummary = { records: 0, events: 0, rejected: {}, byClass: {}, byMapping: {}, ...(isStrict ? { violations: 0 } : {}) };
  const take = (record: ReadRecord, path: string): string[] => {
    count(summary, record);
    if ('rejected' in record) sayRejected(context, path, record);
    if ('rejected' in record || (summaryOnly && !isStrict)) return [];
    const event = cloudEventOf(record.event, record.decoded, build);
    if (isStrict) checkEvent(context, summary, { event, where: `${path}:${record.number}` });
    return summaryOnly ? [] : [JSON.stringify(event)];
  };
  for (const path of paths) {
    for await (const batch of readRecords(path, { format, mappings, stdin: environment.stdin, clock: systemClock })) {
      if (interrupted.aborted) return finish(context, summary, summaryOnly);
      const lines = batch.flatMap((record) => take(record, path));
      if (lines.length > 0) terminal.line(lines.join('\n'));
    }
  }
  return finish(context, summary, summaryOnly);
}

function count(summary: ParseSummary, record: ReadRecord): void {
  summary.records += 1;
  if ('rejected' in record) {
    add(summary.rejected, record.rejected.rejected);
    return;
  }
  summary.events += 1;
  add(summary.byClass, String(record.event.classUid));
  add(summary.byMapping, record.event.mapping);
}

function add(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}

function sayRejected({ terminal }: CommandContext, path: string, record: Extract<ReadRecord, { rejected: unknown }>): void {
  const { rejected, reason, record: bytes } = record.rejected;
  const shown = bytes.subarray(0, SHOWN_BYTES);
  if (terminal.json) {
    const said = {
      file: path,
      record: record.number,
      code: rejected,
      reason,
      bytes: bytes.length,
      base64: Buffer.from(shown).toString('base64'),
    };
    terminal.note(JSON.stringify(said));
  } else
    terminal.note(`${visible(path)}:${record.number}: ${rejected}: ${visible(reason)} [${visible(Buffer.from(shown).toString('utf8'))}]`);
}

function checkEvent(
  { terminal }: CommandContext,
  summary: ParseSummary,
  { event, where }: { event: Record<string, unknown>; where: string },
): void {
  const violations = validateOcsf(event['data'] as Record<string, unknown>);
  if (violations.length === 0) return;
  summary.violations = (summary.violations ?? 0) + 1;
  terminal.note(`${visible(where)}: ${violations.map(({ path, reason }) => `${path}: ${reason}`).join('; ')}`);
}

function finish({ terminal }: CommandContext, summary: ParseSummary, summaryOnly: boolean): number {
  const rejects = Object.values(summary.rejected).reduce((sum, each) => sum + each, 0);
  if (summaryOnly) terminal.object(summary);
  else if (terminal.interactive)
    terminal.note(`${sayMany(summary.records, 'record')}, ${sayMany(summary.events, 'event')}, ${rejects} rejected`);
  return (summary.events === 0 && rejects > 0) || (summary.violations ?? 0) > 0 ? EXIT_BAD_DATA : 0;
}
