/** The run of `tocsin hunt`: rules loaded, files judged, findings printed, exit code chosen. */
import { homedir, tmpdir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { errorTable, TocsinError } from '@tocsin/core';
import type { MappingSet } from '@tocsin/ingest/read';
import { compiledCodeFolder } from '../../compiled-code.ts';
import { type BufferPool, createBufferPool } from '../../hunt/buffer-pool.ts';
import type { Finding } from '../../hunt/finding.ts';
import { openGrowingJudge } from '../../hunt/growing-judge.ts';
import { huntFiles } from '../../hunt/hunt-files.ts';
import { HuntTally } from '../../hunt/hunt-tally.ts';
import { createLocalJudge, type Judge } from '../../hunt/judge.ts';
import type { JudgeSetup } from '../../hunt/judge-block.ts';
import type { ThreadBoot } from '../../hunt/judge-in-thread.ts';
import { createJudgeSetup, type JudgeChoices } from '../../hunt/judge-setup.ts';
import type { KeptFileOptions } from '../../hunt/kept-file.ts';
import { type HuntInputs, listInputs } from '../../hunt/list-inputs.ts';
import { type HuntRules, loadHuntRules } from '../../hunt/load-rules.ts';
import { openProgramCache } from '../../hunt/program-cache.ts';
import { loadShippedMappings } from '../../hunt/rule-cache.ts';
import { holdYoungGeneration } from '../../small-heap.ts';
import type { CommandContext, GivenOptions } from '../command.ts';
import { sayCount, sayMany } from '../figures.ts';
import { visible } from '../visible-text.ts';
import { noteRefusedRules, noteUnread } from './hunt-notes.ts';
import { type HuntOutput, outputs } from './hunt-output.ts';
import { type HuntReport, summaryOf } from './hunt-report.ts';
import { type HuntRequest, LEVELS, readHuntRequest } from './hunt-request.ts';

/** Resolves with the exit code: 0, or that of `hunt.found` or `hunt.incomplete`. @throws cli.bad_option, cli.unreadable, hunt.no_rules */
export async function runHuntCommand(context: CommandContext, paths: readonly string[], options: GivenOptions): Promise<number> {
  const request = readHuntRequest(options);
  // For good: what a block leaves is dead when it has been judged, and loading rules is over once.
  holdYoungGeneration();
  const inputs = listInputs(paths, { sizes: true });
  const cache = cacheOptions(context, request);
  const rules = await loadHuntRules([request.rules], {
    nowMs: Date.now(),
    cache,
    threads: { most: request.jobs, codeFolder: compiledCodeFolder() },
  });
  refuseNone(rules, request.rules);
  const output = createOutput(context, request);
  const choices: JudgeChoices = { logSourceFields: request.logSourceFields, detail: output.detail };
  const mappings = await loadShippedMappings(cache);
  const programs = cache && openProgramCache(cache);
  const setup = createJudgeSetup(rules.rules, mappings, { ...choices, programs });
  const loaded = { seconds: performance.now() / 1000, cpuSeconds: cpuSeconds() };
  if (request.output !== 'summary') noteRefusedRules(context.terminal, rules.refused);
  const session = { context, request, inputs, rules, mappings, setup, choices, output, cache };
  const { tally, bytes, found } = await judgeAll(session);
  output.end({
    tally,
    rulesLoaded: rules.rules.length,
    rulesRefused: rules.refused,
    files: inputs.inputs.length,
    bytes,
    loadSeconds: loaded.seconds,
    loadCpuSeconds: loaded.cpuSeconds,
    runSeconds: performance.now() / 1000 - loaded.seconds,
    cpuSeconds: cpuSeconds(),
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
  });
  if (request.output !== 'summary') noteUnread(context.terminal, tally);
  rules.keep();
  return exitCode(session, tally, found);
}

interface Session {
  readonly context: CommandContext;
  readonly request: HuntRequest;
  readonly inputs: HuntInputs;
  readonly rules: HuntRules;
  readonly mappings: MappingSet;
  readonly setup: JudgeSetup;
  readonly choices: JudgeChoices;
  readonly output: HuntOutput;
  readonly cache: KeptFileOptions | undefined;
}

interface Outcome {
  readonly tally: HuntTally;
  readonly bytes: number;
  /** Matches at or above the level to fail on. */
  readonly found: number;
}

async function judgeAll(session: Session): Promise<Outcome> {
  const { context, inputs, setup, output } = session;
  const tally = new HuntTally();
  tally.failedFiles.push(...inputs.unreadable.map(({ path, reason }) => ({ file: path, reason })));
  const pool = createBufferPool();
  let bytes = 0;
  const total = totalBytes(inputs);
  const bar = context.terminal.progress('Hunting');
  try {
    await using judge = openJudge(session, pool);
    await huntFiles({
      compiled: setup.compiled,
      judge,
      pool,
      inputs: inputs.inputs,
      stdin: context.environment.stdin,
      tally,
      onFinding: (finding: Finding) => output.add(finding),
      onRuleError: (ruleId, { file, line }, reason) => tally.addRuleError(ruleId, `${file}:${line}: ${reason}`),
      onProgress: (takenBytes) => {
        bytes = takenBytes;
        bar.show(
          total === undefined ? undefined : takenBytes / Math.max(1, total),
          `${sayCount(tally.events)} events, ${sayCount(tally.matches)} matches`,
        );
      },
      temporary: tmpdir(),
      nowMs: Date.now(),
      signal: context.interrupted,
    });
  } finally {
    bar.end();
  }
  return { tally, bytes, found: countFrom(session, tally) };
}

/** Bytes of all inputs on disk; undefined where that of one is not known. */
function totalBytes({ inputs }: HuntInputs): number | undefined {
  return inputs.reduce<number | undefined>((sum, { size }) => (size === undefined || sum === undefined ? undefined : sum + size), 0);
}

function openJudge({ request, inputs, rules, mappings, setup, choices, cache }: Session, pool: BufferPool): Judge {
  if (request.jobs === 1) return createLocalJudge(setup, pool);
  const boot = (): ThreadBoot => ({
    rules: inSharedMemory(rules.encoded),
    mappings: mappings.specs,
    choices,
    cacheFolder: cache?.folder,
    codeFolder: compiledCodeFolder(),
  });
  return openGrowingJudge(setup, {
    jobs: request.jobs,
    boot,
    pool,
    onIgnored: cache?.onIgnored ?? (() => undefined),
    // Where rules were parsed, tables have to be made: the first thread makes most of them before others come.
    expectedBytes: rules.isKept ? totalBytes(inputs) : undefined,
  });
}

/** The bytes where every thread can read them; rules out of the cache are there already. */
function inSharedMemory(bytes: Uint8Array): Uint8Array {
  if (bytes.buffer instanceof SharedArrayBuffer) return bytes;
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
  shared.set(bytes);
  return shared;
}

/** The folder that was named, or the user's own (XDG Base Directory Specification). */
function cacheOptions({ environment, terminal }: CommandContext, { cache, output }: HuntRequest): KeptFileOptions | undefined {
  if (cache === undefined) return undefined;
  const base = environment.variable('XDG_CACHE_HOME') ?? '';
  return {
    folder:
      cache === 'default' ? join(isAbsolute(base) ? base : join(homedir(), '.cache'), 'tocsin', 'rules') : resolve(environment.cwd, cache),
    onIgnored: (path, reason) => {
      const { message, code } = new TocsinError('hunt.cache_ignored', { path, reason });
      if (output !== 'summary') terminal.note(`${visible(message)} [${code}]`);
    },
  };
}

function createOutput({ terminal, version }: CommandContext, { output }: HuntRequest): HuntOutput {
  if (output !== 'summary') return outputs[output]({ terminal, version });
  return { detail: 'count', add: () => undefined, end: (report: HuntReport) => terminal.object(summaryOf(report)) };
}

function refuseNone({ rules, refused }: HuntRules, path: string): void {
  const [first] = refused;
  if (rules.length === 0 && first !== undefined)
    throw new TocsinError('hunt.no_rules', { path, refused: refused.length, reason: `${first.file}:${first.line}: ${first.reason}` });
}

/** Matches of rules at or above the level to fail on; none where there is no such level. */
function countFrom({ request, rules }: Session, tally: HuntTally): number {
  const { failOn } = request;
  if (failOn === undefined) return 0;
  const failing = rules.rules.filter((rule) => LEVELS.indexOf(rule.meta.level) >= LEVELS.indexOf(failOn));
  return failing.reduce((sum, rule) => sum + (tally.matchesByRule.get(rule.meta.id) ?? 0), 0);
}

function exitCode({ context, request }: Session, tally: HuntTally, found: number): number {
  const [first] = tally.failedFiles.length === 0 ? nothingRead(tally) : tally.failedFiles;
  const error =
    found > 0
      ? new TocsinError('hunt.found', { count: found, level: request.failOn ?? '' })
      : first === undefined
        ? undefined
        : new TocsinError('hunt.incomplete', { files: Math.max(1, tally.failedFiles.length), first: first.file, reason: first.reason });
  if (error === undefined) return 0;
  if (request.output !== 'summary') context.terminal.note(`tocsin: ${visible(error.message)} [${error.code}]`);
  return errorTable[error.code].exit;
}

/** Input of which not one record could be read was not judged, whatever its files hold. */
function nothingRead({ events, unparsed, unread }: HuntTally): { file: string; reason: string }[] {
  const [first] = unread;
  if (events > 0 || first === undefined) return [];
  return [{ file: first.file, reason: `none of ${sayMany(unparsed, 'record')} could be read, the first because ${first.reason}` }];
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
