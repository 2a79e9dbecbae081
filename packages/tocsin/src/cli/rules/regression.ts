/**
 * Regression folders in SigmaHQ's layout (`regression_data/`): per rule a folder with `info.yml`, which names the rule and for each test a
 * recording and how many of its events must match at least. Recordings are read as JSON; of an EVTX the JSON of the same name beside it.
 */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, extname, join, relative } from 'node:path';
import { TocsinError } from '@tocsin/core';
import { type DetectionRule, parseRules, type RefusedRule } from '@tocsin/detect';
import { explainRule } from '@tocsin/detect/explain';
import type { MappingSet } from '@tocsin/ingest';
import { parse } from 'yaml';
import type { NamedRuleFile } from '../read-rule-files.ts';
import { readEvents, shippedMappings } from './read-events.ts';

/** What became of one recording. */
export interface RegressionOutcome {
  /** Id of the rule, as the folder names it. */
  readonly rule: string;
  readonly title?: string | undefined;
  readonly test: string;
  /** The recording, or where it should be; relative to the folder. */
  readonly path: string;
  readonly state: 'passed' | 'failed' | 'not_run';
  readonly detail: string;
  readonly expected: number;
  readonly matched: number;
}

/** All outcomes, in the order of their paths; refusals are those of the rule files. */
export interface Regression {
  readonly outcomes: readonly RegressionOutcome[];
  readonly refused: readonly RefusedRule[];
}

const MAX_INFOS = 20_000;
const MAX_INFO_CHARS = 65_536;

/** Runs every recording of a folder against the rules. @throws cli.unreadable */
export async function runRegressionFolder(folder: string, files: readonly NamedRuleFile[]): Promise<Regression> {
  const { rules, refused } = parseRules(files);
  const byId = new Map(rules.flatMap((rule) => (rule.kind === 'detection' ? [[rule.meta.id, rule] as const] : [])));
  const mappings = shippedMappings();
  const outcomes: RegressionOutcome[] = [];
  for (const info of await infoFiles(folder)) {
    for (const test of await readInfo(info)) outcomes.push(await runTest(test, { folder, byId, mappings, refused }));
  }
  return { outcomes, refused };
}

interface PlannedTest {
  readonly rule: string;
  readonly test: string;
  readonly recording: string;
  readonly expected: number;
}

async function infoFiles(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    const found = entries.filter((entry) => entry.isFile() && entry.name === 'info.yml').map((entry) => join(entry.parentPath, entry.name));
    if (found.length === 0) throw new TocsinError('cli.unreadable', { path: folder, reason: 'there is no info.yml in it' });
    if (found.length > MAX_INFOS)
      throw new TocsinError('cli.unreadable', { path: folder, reason: `it has more than ${MAX_INFOS} info.yml` });
    return found.sort();
  } catch (cause) {
    if (cause instanceof TocsinError) throw cause;
    throw new TocsinError('cli.unreadable', { path: folder, reason: (cause as Error).message }, { cause });
  }
}

/** Tests of an `info.yml`. The recording is named by its path in SigmaHQ's repository: it lies beside the info. */
async function readInfo(path: string): Promise<PlannedTest[]> {
  let info: unknown;
  try {
    const text = await readFile(path, 'utf8');
    if (text.length > MAX_INFO_CHARS) throw new Error(`it is longer than ${MAX_INFO_CHARS} characters`);
    info = parse(text, { maxAliasCount: 0 });
  } catch (cause) {
    throw new TocsinError('cli.unreadable', { path, reason: (cause as Error).message.split('\n')[0] ?? 'it is no YAML' }, { cause });
  }
  const rules = listOf(info, 'rule_metadata').flatMap((rule) => textOf(rule, 'id') ?? []);
  const tests = listOf(info, 'regression_tests_info');
  if (rules.length === 0 || tests.length === 0)
    throw new TocsinError('cli.unreadable', { path, reason: 'it names no rule_metadata or no regression_tests_info' });
  return tests.flatMap((test) =>
    rules.map((rule) => ({
      rule,
      test: textOf(test, 'name') ?? 'test',
      recording: join(dirname(path), (textOf(test, 'path') ?? `${rule}.json`).split('/').at(-1) ?? ''),
      expected: countOf(test),
    })),
  );
}

interface Ground {
  readonly folder: string;
  readonly byId: ReadonlyMap<string, DetectionRule>;
  readonly mappings: MappingSet;
  readonly refused: readonly RefusedRule[];
}

async function runTest(
  { rule: id, test, recording, expected }: PlannedTest,
  { folder, byId, mappings, refused }: Ground,
): Promise<RegressionOutcome> {
  const rule = byId.get(id);
  const events = eventsBeside(recording);
  const named = { rule: id, title: rule?.meta.title, test, path: relative(folder, recording), expected, matched: 0 };
  if (rule === undefined) {
    const refusal = refused.find((one) => one.rule === id);
    return refusal === undefined
      ? { ...named, state: 'not_run', detail: 'no rule of this id was given' }
      : { ...named, state: 'failed', detail: `the rule was refused: ${refusal.reason}` };
  }
  if (events === undefined) return { ...named, state: 'not_run', detail: 'its recording is not there as JSON' };
  const logSources = mappings.logSources();
  const read = await readEvents(events, { mappings, stdin: nothing() });
  const explained = read.events.map(({ fields, mapping }) =>
    explainRule(rule, { fields, logSource: logSources.find((one) => one.mapping === mapping), logSources }),
  );
  const matched = explained.filter((one) => one.matched).length;
  const elsewhere = explained.filter(({ routing, condition }) => !routing.held && condition.held).length;
  const detail = `${matched} of ${read.events.length} events match, at least ${expected} must${elsewhere > 0 ? `; ${elsewhere} would, if the rule were asked about ${read.events[0]?.mapping ?? ''}` : ''}`;
  return { ...named, matched, state: matched >= expected ? 'passed' : 'failed', detail };
}

/** The recording as JSON; undefined where there is none. */
function eventsBeside(recording: string): string | undefined {
  const bare = recording.slice(0, recording.length - extname(recording).length);
  return [recording, `${bare}.json`, `${bare}.ndjson`].filter((path) => extname(path) !== '.evtx').find((path) => existsSync(path));
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** SigmaHQ's own runner takes a missing count as one, and lets more match. */
function countOf(test: unknown): number {
  const count = memberOf(test, 'match_count');
  return typeof count === 'number' && count > 0 ? count : 1;
}

function listOf(value: unknown, key: string): readonly unknown[] {
  const list = memberOf(value, key);
  return Array.isArray(list) ? list : [];
}

function textOf(value: unknown, key: string): string | undefined {
  const text = memberOf(value, key);
  return typeof text === 'string' ? text : undefined;
}

function memberOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
}
