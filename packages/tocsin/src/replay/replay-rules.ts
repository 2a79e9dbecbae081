/**
 * The rules of a replay: a copy of its own, kept in its namespace, so that it goes on by the same rules whatever becomes of those in force.
 * Given rules are put there with the order; the rules in force are copied when the replay first runs.
 */
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { EventBus, Outgoing, ReplayLog, StateStore } from '@tocsin/bus';
import { type LogSource, TocsinError } from '@tocsin/core';
import type { ProgramStore } from '@tocsin/detect';
import { type QuarantinedRule, RuleBook, type RuleFile } from '../rules/rule-book.ts';
import { RuleControl } from '../rules/rule-control.ts';
import { replayRulesSubject } from '../subjects.ts';
import { CONTROL_BUCKET, RULE_SETS_BUCKET } from '../topology.ts';

/** Files, and which of their rules are not judged. */
export interface KeptRules {
  readonly files: readonly RuleFile[];
  readonly quarantine: readonly QuarantinedRule[];
}

/** Whose rules, and what they are compiled with. */
export interface RunRulesOptions {
  readonly tenant: string;
  readonly run: string;
  readonly logSources: readonly LogSource[];
  readonly latenessMs: number;
  readonly programs?: ProgramStore | undefined;
}

/** Bytes of a message of rules. */
const CHUNK_BYTES = 1 << 20;
/** Largest copy read back, bytes. */
const MAX_BYTES = 1 << 28;

/** Messages that hold rules for a replay; to be committed as one unit. */
export async function rulesMessages(tenant: string, run: string, rules: KeptRules): Promise<Outgoing[]> {
  const packed = await promisify(gzip)(Buffer.from(JSON.stringify(rules)));
  const chunks = Math.ceil(packed.length / CHUNK_BYTES);
  return Array.from({ length: chunks }, (_, i) => ({
    subject: replayRulesSubject(tenant, run, i),
    id: `${run}.rules.${i}`,
    body: packed.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES),
  }));
}

/** A replay's rules, compiled. @throws store.rule_set_missing */
export async function openRunRules(bus: EventBus & ReplayLog & StateStore, options: RunRulesOptions): Promise<RuleBook> {
  const { tenant, run, logSources, latenessMs, programs } = options;
  const kept = await readKept(bus, tenant, run);
  if (kept !== undefined) return RuleBook.compile(kept.files, logSources, { quarantine: kept.quarantine, latenessMs, programs });
  const live = await liveRules(bus, options);
  await bus.commit(await rulesMessages(tenant, run, live));
  return RuleBook.compile(live.files, logSources, { quarantine: live.quarantine, latenessMs, programs });
}

/** The rules in force for a tenant. @throws store.rule_set_missing */
export async function liveRules(
  bus: StateStore,
  { tenant, logSources }: Pick<RunRulesOptions, 'tenant' | 'logSources'>,
): Promise<KeptRules> {
  const record = await new RuleControl(bus.bucket(CONTROL_BUCKET), () => false).read();
  const book = record && (await RuleBook.load(bus.bucket(RULE_SETS_BUCKET), record.hash, { logSources }));
  if (book === undefined) throw new TocsinError('store.rule_set_missing', { hash: record?.hash ?? 'none' });
  return { files: book.filesOf(tenant), quarantine: book.quarantineOf(tenant) };
}

async function readKept(bus: ReplayLog, tenant: string, run: string): Promise<KeptRules | undefined> {
  const parts: Buffer[] = [];
  const subject = replayRulesSubject(tenant, run, 0);
  for await (const { body } of bus.read(`${subject.slice(0, subject.lastIndexOf('.'))}.*`, 'first')) parts.push(Buffer.from(body));
  if (parts.length === 0) return undefined;
  const text = await promisify(gunzip)(Buffer.concat(parts), { maxOutputLength: MAX_BYTES });
  return JSON.parse(text.toString()) as KeptRules;
}
