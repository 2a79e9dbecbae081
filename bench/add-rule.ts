/**
 * `node bench/add-rule.ts RULE_ARCHIVE`: adds rules one by one to all public ones, as the detection thread does, while every mapping has
 * events to be judged, and prints what each took as JSON.
 */
import { type RecordBatch } from '@tocsin/core';
import { judgeRecords } from '@tocsin/detect';
import { loadMappings, readShippedMappings } from '@tocsin/ingest';
import { ruleArchive } from '../packages/detect/test/corpora.ts';
import { RuleBook } from '../packages/tocsin/src/rules/rule-book.ts';

/** What a run of additions took, milliseconds of processor time. */
export interface AddRun {
  /** From the files to a rule set in force. */
  readonly addMs: readonly number[];
  /** The first batch after it, with an event of every mapping. */
  readonly firstMs: readonly number[];
  readonly routes: number;
  /** Resident memory at the end, every route built. */
  readonly rssBytes: number;
}

const ADDITIONS = 60;
const RECORD = new TextEncoder().encode('{"Image":"C:\\\\Windows\\\\x.exe","CommandLine":"x /c y"}');

/** Adds rules one by one. */
export function addRules(archive: string): AddRun {
  const logSources = loadMappings(readShippedMappings())
    .logSources()
    .map((source) => ({ ...source, jsonObjects: { unless: [] } }));
  const batch = repeated(logSources.length);
  let book = RuleBook.compile(ruleArchive(archive), logSources);
  const judge = (): void =>
    judgeRecords(book.compiledFor(''), batch, {
      mappingOf: (index) => logSources[index]?.mapping ?? '',
      fieldsOf: () => JSON.parse(new TextDecoder().decode(RECORD)) as Record<string, unknown>,
      onHit: () => undefined,
      onRuleError: (_index, rule, cause) => {
        throw new Error(`rule ${rule} threw`, { cause });
      },
    });
  judge();
  const addMs: number[] = [];
  const firstMs: number[] = [];
  for (let i = 0; i < ADDITIONS; i++) {
    const files = [...book.files, { path: `added-${i}.yml`, text: ruleText(i) }];
    addMs.push(
      cpuMs(() => {
        book = RuleBook.compile(files, logSources, { before: book });
      }),
    );
    firstMs.push(cpuMs(judge));
  }
  const routes = new Set(logSources.map(({ mapping }) => book.compiledFor('').route(mapping)));
  return { addMs, firstMs, routes: routes.size, rssBytes: process.memoryUsage().rss };
}

function repeated(count: number): RecordBatch {
  const bytes = new Uint8Array(count * RECORD.length);
  const starts = Uint32Array.from({ length: count }, (_, index) => index * RECORD.length);
  for (const start of starts) bytes.set(RECORD, start);
  return { count, bytes, starts, ends: starts.map((start) => start + RECORD.length) };
}

function ruleText(number: number): string {
  return [
    `title: Added ${number}`,
    `id: 00000000-0000-4000-8000-${String(number).padStart(12, '0')}`,
    'logsource: {product: windows, category: process_creation}',
    'detection:',
    `  selection: {CommandLine|contains: ['added${number}', ' /more'], Image|endswith: '\\q${number}.exe'}`,
    '  condition: selection',
    '',
  ].join('\n');
}

function cpuMs(run: () => void): number {
  const before = process.threadCpuUsage();
  run();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}

if (import.meta.main) process.stdout.write(JSON.stringify(addRules(process.argv[2] ?? '')));
