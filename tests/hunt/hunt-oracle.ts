/**
 * `tocsin hunt` against the naive oracle: the same rules over the same events, every rule routed to an event judged by the oracle, which
 * shares no code with the engine. Routing is the mappings' (their own tests hold them); where fields lie is read naively here.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Fields, LogSource } from '@tocsin/core';
import { compileRules, type DetectionRule, parseRules, type RuleFile, routesTo } from '@tocsin/detect';
import { decoders, defaultDecodeLimits, loadMappings, readShippedMappings } from '@tocsin/ingest';
import { type OracleEvent, type Rule, parseRules as readOracleRules } from '../../packages/detect/test/oracle/evaluate.ts';
import { createBufferPool } from '../../packages/tocsin/src/hunt/buffer-pool.ts';
import { huntFiles } from '../../packages/tocsin/src/hunt/hunt-files.ts';
import { HuntTally } from '../../packages/tocsin/src/hunt/hunt-tally.ts';
import { createLocalJudge } from '../../packages/tocsin/src/hunt/judge.ts';
import type { JudgeSetup } from '../../packages/tocsin/src/hunt/judge-block.ts';
import { createJudgeSetup } from '../../packages/tocsin/src/hunt/judge-setup.ts';
import { OracleJudge } from './oracle-judge.ts';

/** Matches as `rule line`, lines from 1. */
export type MatchSet = ReadonlySet<string>;

/** Rules of both sides. */
export interface BothRules {
  readonly files: readonly RuleFile[];
  readonly parsed: ReturnType<typeof parseRules>['rules'];
  readonly setup: JudgeSetup;
  /** By id. */
  readonly oracle: ReadonlyMap<string, Rule>;
}

const mappings = loadMappings(readShippedMappings());
const logSources = new Map(mappings.logSources().map((source) => [source.mapping, source]));

/** Reads rule files for both sides. */
export function readBoth(files: readonly RuleFile[]): BothRules {
  const oracle = new Map(
    files.flatMap(({ text }) => readOracleRules(text) as unknown as Rule[]).map((rule) => [rule.id ?? rule.title, rule]),
  );
  const parsed = parseRules(files).rules;
  return { files, parsed, setup: createJudgeSetup(parsed, mappings, { logSourceFields: undefined, detail: 'place' }), oracle };
}

/** What a hunt over these lines finds, and how many of them it took for no records. */
export async function huntLines(
  rules: BothRules,
  lines: readonly string[],
): Promise<{ matches: MatchSet; unparsed: number; events: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'tocsin-hunt-test-'));
  try {
    const path = join(folder, 'events.ndjson');
    writeFileSync(path, lines.map((line) => `${line}\n`).join(''));
    const pool = createBufferPool();
    const tally = new HuntTally();
    const { setup } = rules;
    const matches = new Set<string>();
    await huntFiles({
      compiled: setup.compiled,
      judge: createLocalJudge(setup, pool),
      pool,
      inputs: [{ path, size: undefined }],
      stdin: process.stdin,
      tally,
      onFinding: (finding) => {
        if (finding.kind === 'match') matches.add(`${finding.rule.id} ${finding.place.line}`);
      },
      onRuleError: (ruleId, place, reason) => {
        throw new Error(`${ruleId} at line ${place.line}: ${reason}`);
      },
      onProgress: () => undefined,
      temporary: folder,
      nowMs: 0,
      signal: new AbortController().signal,
    });
    return { matches, unparsed: tally.unparsed, events: tally.events };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What the oracle finds in the same lines; rules that it refuses are told by `onRefusal` and left out. */
export function oracleMatches({ parsed, oracle }: BothRules, lines: readonly string[], onRefusal: (ruleId: string) => void): MatchSet {
  const detections = parsed.filter((rule): rule is DetectionRule => rule.kind === 'detection' && rule.needsValues.length === 0);
  const routed = new Map<string, OracleJudge>();
  const found = new Set<string>();
  lines.forEach((line, i) => {
    const [decoded] = decoders.auto.decode(Buffer.from(line), defaultDecodeLimits);
    if (decoded === undefined || !('fields' in decoded)) return;
    const source = logSources.get(mappings.map(decoded.format, decoded.fields, 0).mapping);
    if (source === undefined) return;
    let judge = routed.get(source.mapping);
    if (judge === undefined) {
      const ids = detections.filter((rule) => routesTo(rule.logSource, source)).map(({ meta }) => meta.id);
      judge = new OracleJudge(new Map(ids.map((id) => [id, oracle.get(id) as Rule])), onRefusal);
      routed.set(source.mapping, judge);
    }
    for (const id of judge.matches(eventFor(decoded.fields, source))) found.add(`${id} ${i + 1}`);
  });
  return found;
}

/** The event with what rules may name at hand under that name. */
function eventFor(fields: Fields, { aliases, prefixes }: LogSource): OracleEvent {
  const event: Record<string, unknown> = { ...fields };
  for (const prefix of [...prefixes].reverse()) {
    const inner = valueAt(fields, prefix.slice(0, -1));
    if (typeof inner === 'object' && inner !== null)
      for (const [name, value] of Object.entries(inner)) event[name] = Object.hasOwn(fields, name) ? fields[name] : value;
  }
  for (const [name, paths] of Object.entries(aliases)) {
    const path = paths.find((one) => valueAt(fields, one) !== undefined);
    if (path === undefined) delete event[name];
    else event[name] = valueAt(fields, path);
  }
  return event as OracleEvent;
}

function valueAt(fields: Fields, path: string): unknown {
  if (Object.hasOwn(fields, path)) return fields[path];
  let value: unknown = fields;
  for (const part of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Fields)[part];
  }
  return value;
}

/** Ids of rules that hold for an event by the compiled rules alone: what a difference is traced with. */
export function compiledMatches({ parsed }: BothRules, line: string): string[] {
  const [decoded] = decoders.auto.decode(Buffer.from(line), defaultDecodeLimits);
  if (decoded === undefined || !('fields' in decoded)) return [];
  const route = compileRules(parsed, mappings.logSources()).route(mappings.map(decoded.format, decoded.fields, 0).mapping);
  route?.view.show(decoded.fields);
  return (route?.detections ?? []).filter((detection) => detection.test()).map((detection) => detection.rule.meta.id);
}

/** Lines of a text file. */
export function linesOf(path: string): string[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
}
