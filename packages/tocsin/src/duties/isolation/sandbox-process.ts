/**
 * The throw-away process that judges suspected events, one at a time, and says before each what it begins: whoever started it sees from that
 * which one it does not survive. It reads nothing but its task and writes nothing but its answers.
 */
import { readFileSync } from 'node:fs';
import { openFrame } from '@tocsin/bus';
import { type Fields, type FrameView, isTocsinError, type Match } from '@tocsin/core';
import { type CompiledRules, compileRules, DetectorSelection, decodeRules, matchFrame } from '@tocsin/detect';
import { createFieldsReader, loadMappings, readShippedMappings } from '@tocsin/ingest';
import { loadDetectors } from '../../detectors/load-detectors.ts';
import type { SandboxNews, SandboxTask, SandboxUnit } from './sandbox-protocol.ts';
import { watchSandbox } from './sandbox-watch.ts';

// Whoever starts this process says how long he waits at most.
const watch = watchSandbox(Number(process.argv[2]));

process.once('message', (task: SandboxTask) => {
  judgeAll(task).then(
    () => process.exit(0),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    },
  );
});

interface Judge {
  readonly compiled: CompiledRules;
  readonly selection: DetectorSelection;
  readonly frame: FrameView;
  readonly task: SandboxTask;
  readonly fields: (index: number, members?: ReadonlySet<string>) => Fields | undefined;
}

async function judgeAll(task: SandboxTask): Promise<void> {
  const mappings = loadMappings(readShippedMappings());
  const frame = openFrame(task.frame, { tenant: task.tenant });
  const { loaded } = await loadDetectors(task.detectors, (path) => readFileSync(path));
  const read = createFieldsReader();
  const judge: Judge = {
    compiled: compileRules(decodeRules(task.rules).rules, task.logSources),
    selection: new DetectorSelection(loaded, task.logSources),
    frame,
    task,
    fields: (index, members) => read(mappings.formatOf(frame.mapping(index)) ?? 'json', frame.record(index), members),
  };
  for (const mapping of new Set(task.units.map(({ index }) => frame.mapping(index)))) judge.compiled.route(mapping);
  for (const [number, unit] of task.units.entries()) {
    await say({ say: 'begin', unit: number });
    await say({ say: 'done', unit: number, ...judgeUnit(judge, unit) });
  }
  await say({ say: 'end' });
}

function judgeUnit(
  judge: Judge,
  { index, detector }: SandboxUnit,
): { matches: readonly Match[]; errors: { ruleId: string; text: string }[] } {
  const errors: { ruleId: string; text: string }[] = [];
  const skip = (other: number): boolean => other !== index;
  const { compiled, selection, frame, task, fields } = judge;
  const note = (ruleId: string, cause: unknown): void => void errors.push({ ruleId, text: String(cause) });
  try {
    const matches =
      detector === -1
        ? matchFrame(compiled, frame, task.at, {
            fieldsOf: (_, at, members) => fields(at, members),
            skip,
            onRuleError: (error) => note(error.ruleId, error.cause),
          })
        : selection.select(frame, {
            at: task.at,
            fieldsOf: fields,
            skip,
            only: detector,
            onError: (_, ruleId, cause) => note(ruleId, cause),
          });
    return { matches, errors };
  } catch (error) {
    note('', isTocsinError(error) ? error.message : error);
    return { matches: [], errors };
  }
}

/** Resolves when it is on its way: what is begun must be known before it can end the process. */
function say(news: SandboxNews): Promise<void> {
  watch.step();
  return new Promise((resolve, reject) => {
    process.send?.(news, undefined, {}, (error) => (error === null ? resolve() : reject(error)));
  });
}
