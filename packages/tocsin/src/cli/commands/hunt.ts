/** `tocsin hunt`: rules over log files, offline. Needs no installation: nothing but the files. */
import { TocsinError } from '@tocsin/core';
import { compileRules } from '@tocsin/detect';
import { loadMappings, readShippedMappings } from '@tocsin/ingest';
import { createBufferPool } from '../../hunt/buffer-pool.ts';
import { HuntTally } from '../../hunt/hunt-tally.ts';
import { createLocalJudge } from '../../hunt/judge.ts';
import { listInputs } from '../../hunt/list-inputs.ts';
import { loadHuntRules } from '../../hunt/load-rules.ts';
import { RecordReader } from '../../hunt/record-reader.ts';
import { runHunt } from '../../hunt/run-hunt.ts';
import { type Command, type CommandContext, choiceOption, type GivenOptions, textOption } from '../command.ts';

export const hunt: Command = {
  name: 'hunt',
  argument: '<path...>',
  summary: 'run rules over log files, offline, and show what they find',
  options: [
    { flags: '--rules <path>', about: 'a rule file, or a folder of them' },
    { flags: '--summary <form>', about: 'json: print one object of counts and times and nothing else' },
  ],
  examples: ['tocsin hunt --rules ./sigma/rules evidence.ndjson', 'zcat logs/*.gz | tocsin hunt --rules ./sigma/rules -'],
  run: runCommand,
};

async function runCommand(context: CommandContext, paths: readonly string[], options: GivenOptions): Promise<number> {
  const rulesPath = textOption(options, 'rules');
  if (rulesPath === undefined)
    throw new TocsinError('cli.bad_option', { option: '--rules', given: 'missing', wants: 'a rule file or a folder of them' });
  choiceOption(textOption(options, 'summary'), '--summary', ['json']);
  const { inputs, unreadable } = await listInputs(paths);
  const { rules, refused } = await loadHuntRules([rulesPath]);
  const mappings = loadMappings(readShippedMappings());
  const compiled = compileRules(rules, mappings.logSources());
  const loadSeconds = performance.now() / 1000;
  const loadCpuSeconds = cpuSeconds();
  const pool = createBufferPool();
  const tally = new HuntTally();
  for (const { path, reason } of unreadable) tally.failedFiles.push({ file: path, reason });
  const judge = createLocalJudge({ compiled, reader: new RecordReader(mappings), detail: 'count' }, pool);
  await runHunt({
    inputs,
    stdin: context.environment.stdin,
    judge,
    pool,
    tally,
    onVerdict: () => undefined,
    onProgress: () => undefined,
    nowMs: Date.now(),
    signal: context.interrupted,
  });
  context.terminal.object({
    events: tally.events,
    unparsed: tally.unparsed,
    rulesLoaded: rules.length,
    rulesRefused: refused,
    matches: tally.matches,
    matchesByRule: Object.fromEntries([...tally.matchesByRule].sort(([a], [b]) => (a < b ? -1 : 1))),
    loadSeconds,
    loadCpuSeconds,
    runSeconds: performance.now() / 1000 - loadSeconds,
    cpuSeconds: cpuSeconds(),
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
  });
  return 0;
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
