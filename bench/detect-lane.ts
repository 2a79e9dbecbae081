/**
 * `node bench/detect-lane.ts LANE_FILE RULE_ARCHIVE`: judges every event of one lane by all rules, in a process of its own on one thread,
 * and prints what it took as JSON. Reading the file, cutting lines and finding the tags of each event are part of what is measured.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import type { Fields, LogSource } from '@tocsin/core';
import { type CompiledRules, compileRules, judgeRecords, parseRules } from '@tocsin/detect';
import { ruleArchive } from '../packages/detect/test/corpora.ts';

/** What a run of a lane found. */
export interface LaneRun {
  readonly events: number;
  readonly matches: number;
  readonly decoded: number;
  /** Processor seconds of the fastest pass, of parsing all rules, and of the first pass beyond that: tables of the routes are built in it. */
  readonly cpuSeconds: number;
  readonly parseSeconds: number;
  readonly firstSeconds: number;
  readonly rules: number;
  readonly peakRssBytes: number;
  readonly tableBytes: number;
}

const PASSES = 5;
const BLOCK_BYTES = 1 << 18;
const BATCH_LINES = 4096;
/** What the tag `registry_event` stands for in the lanes: all registry events of Sysmon. */
const REGISTRY = ['registry_event', 'registry_add', 'registry_delete', 'registry_set'];

/** Judges a lane a few times over. */
function runLane(laneFile: string, archive: string): LaneRun {
  const [parsed, parseSeconds] = timed(() => parseRules(ruleArchive(archive)));
  const sources = new Map<string, LogSource>();
  passLane(laneFile, { mapping: (tags) => sources.set(tags, sourceOf(tags)) });
  const compiled = compileRules(parsed.rules, [...sources.values()]);
  const [counts, firstSeconds] = timed(() => judgeLane(laneFile, compiled));
  let cpuSeconds = firstSeconds;
  for (let i = 0; i < PASSES; i++) cpuSeconds = Math.min(cpuSeconds, timed(() => judgeLane(laneFile, compiled))[1]);
  return {
    ...counts,
    cpuSeconds,
    parseSeconds,
    firstSeconds,
    rules: parsed.rules.length,
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
    tableBytes: compiled.filter.memoryBytes,
  };
}

/** What something gives, and the processor seconds it took. */
export function timed<T>(run: () => T): [T, number] {
  const before = process.cpuUsage();
  const result = run();
  const { user, system } = process.cpuUsage(before);
  return [result, (user + system) / 1e6];
}

function judgeLane(file: string, compiled: CompiledRules): { events: number; matches: number; decoded: number } {
  const counts = { events: 0, matches: 0, decoded: 0 };
  passLane(file, {
    block: ({ bytes, starts, ends, tags, count }) => {
      counts.events += count;
      judgeRecords(
        compiled,
        { count, bytes, starts, ends },
        {
          mappingOf: (index) => tags[index] as string,
          fieldsOf: (index) => {
            counts.decoded += 1;
            return JSON.parse(bytes.toString('utf8', starts[index], ends[index])) as Fields;
          },
          onHit: () => {
            counts.matches += 1;
          },
          onRuleError: (_index, rule, cause) => {
            throw new Error(`rule ${rule} threw`, { cause });
          },
        },
      );
    },
  });
  return counts;
}

interface Block {
  readonly bytes: Buffer;
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
  readonly tags: readonly string[];
  readonly count: number;
}

interface LaneReader {
  /** Told of each combination of tags, now and then again. */
  readonly mapping?: (tags: string) => void;
  readonly block?: (block: Block) => void;
}

/** Reads a lane block by block; a line that a block cuts goes to the next one. */
export function passLane(file: string, reader: LaneReader): void {
  const bytes = Buffer.alloc(BLOCK_BYTES);
  const starts = new Uint32Array(BATCH_LINES);
  const ends = new Uint32Array(BATCH_LINES);
  const handle = openSync(file, 'r');
  try {
    for (let held = 0; ; ) {
      const got = readSync(handle, bytes, held, bytes.length - held, null);
      if (got === 0) return;
      const end = held + got;
      const from = passBlock({ bytes, starts, ends, reader }, end);
      bytes.copyWithin(0, from, end);
      held = end - from;
      if (held === bytes.length) throw new Error(`${file} has a line longer than ${BLOCK_BYTES} bytes`);
    }
  } finally {
    closeSync(handle);
  }
}

/** Hands the whole lines of [0, end) on, as many at a time as a batch holds; behind the last of them. */
function passBlock({ bytes, starts, ends, reader }: Omit<Cutting, 'tags'>, end: number): number {
  for (let from = 0; ; ) {
    const tags: string[] = [];
    const next = cutLines({ bytes, starts, ends, tags, reader }, from, end);
    if (next === from) return from;
    reader.block?.({ bytes, starts, ends, tags, count: tags.length });
    from = next;
  }
}

interface Cutting extends Omit<Block, 'count' | 'tags'> {
  readonly tags: string[];
  readonly reader: LaneReader;
}

/** Cuts whole lines out of [from, end); behind the last of them. */
function cutLines({ bytes, starts, ends, tags, reader }: Cutting, from: number, end: number): number {
  let at = from;
  let tag = Buffer.alloc(0);
  let name = '';
  while (tags.length < BATCH_LINES) {
    const lineEnd = bytes.indexOf(10, at);
    if (lineEnd < 0 || lineEnd >= end) break;
    starts[tags.length] = at;
    ends[tags.length] = lineEnd;
    // Neighbours mostly carry the same tags: their bytes are compared before any text is made.
    if (!isTagged(bytes, at, tag)) {
      tag = Buffer.from(bytes.subarray(at, endOfTags(bytes, at)));
      name = tag.toString('latin1');
      reader.mapping?.(name);
    }
    tags.push(name);
    at = lineEnd + 1;
  }
  return at;
}

/** Whether a line begins with these tags and no others. */
function isTagged(bytes: Buffer, at: number, tag: Buffer): boolean {
  for (let i = 0; i < tag.length; i++) if (bytes[at + i] !== tag[i]) return false;
  return (
    tag.length > 0 && !(bytes[at + tag.length + 1] === 0x6c && bytes[at + tag.length + 2] === 0x73 && bytes[at + tag.length + 3] === 0x5f)
  );
}

/** Behind the members `"ls_…":"…",` that a line begins with. */
function endOfTags(bytes: Buffer, from: number): number {
  let at = from + 1;
  // "ls_
  while (bytes[at + 1] === 0x6c && bytes[at + 2] === 0x73 && bytes[at + 3] === 0x5f) {
    for (let quotes = 0; quotes < 4; at++) if (bytes[at] === 0x22) quotes++;
    at++;
  }
  return at;
}

/** The log source that a line's tags name. */
export function sourceOf(tags: string): LogSource {
  const named = Object.fromEntries([...tags.matchAll(/"ls_(\w+)":"([^"]*)"/g)].map(([, part, name]) => [part, name]));
  const { product, service, category } = named as Record<string, string | undefined>;
  return {
    mapping: tags,
    product,
    services: service === undefined ? [] : [service],
    categories: category === 'registry_event' ? REGISTRY : category === undefined ? [] : [category],
    aliases: {},
    prefixes: [],
    jsonObjects: { unless: [] },
    entity: [],
  };
}

if (import.meta.main) process.stdout.write(JSON.stringify(runLane(process.argv[2] ?? '', process.argv[3] ?? '')));
