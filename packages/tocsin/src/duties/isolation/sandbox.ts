/**
 * Judges suspected events where they can do no harm: in a process that is thrown away. An event that does not end, or takes too much memory,
 * ends only that process; those left are judged by the next one.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Match } from '@tocsin/core';
import type { Failure } from './frame-judge.ts';
import type { SandboxNews, SandboxTask, SandboxUnit } from './sandbox-protocol.ts';
import type { EndReason } from './suspect.ts';

/** Bounds of one process. */
export interface SandboxLimits {
  /** Longest time for one event and one part of its judgement, milliseconds. */
  readonly deadlineMs: number;
  /** Heap of the process, MiB. */
  readonly heapMiB: number;
}

/** What came of the events. */
export interface SandboxOutcome {
  readonly matches: readonly Match[];
  readonly failures: readonly (Failure & { readonly detector: number })[];
}

/** Time to start and to load the rules, milliseconds. */
const LOAD_MS = 60_000;
/** How much longer than we wait it waits for us before it ends itself, milliseconds. */
const PATIENCE_MS = 5000;
/** Memory beside its heap, MiB; and how often it is looked at, milliseconds. */
const BESIDE_HEAP_MIB = 384;
const LOOK_EVERY_MS = 50;
/** Starts without any event begun after which it is our trouble, not an event's. */
const MAX_VAIN_STARTS = 3;

/** Judges all units of a task. @throws Error when no process can be started */
export async function judgeInSandbox(task: SandboxTask, limits: SandboxLimits, signal: AbortSignal): Promise<SandboxOutcome> {
  const matches: Match[] = [];
  const failures: (Failure & { detector: number })[] = [];
  let units = task.units;
  for (let vain = 0; units.length > 0; ) {
    signal.throwIfAborted();
    const run = await runOnce({ ...task, units }, limits, signal);
    matches.push(...run.matches);
    failures.push(...run.failures);
    vain = run.guilty === undefined && run.done === 0 ? vain + 1 : 0;
    if (vain === MAX_VAIN_STARTS) throw new Error(`the process that judges suspected events ends before it begins: ${run.ended}`);
    if (run.guilty !== undefined) failures.push({ ...run.guilty, reason: run.ended, text: saying(run.ended, limits), attempts: 2 });
    units = units.slice(run.done + (run.guilty === undefined ? 0 : 1));
  }
  return { matches, failures };
}

interface Run extends SandboxOutcome {
  /** Units that were judged. */
  readonly done: number;
  /** What was begun and not ended. */
  readonly guilty: SandboxUnit | undefined;
  readonly ended: EndReason;
}

async function runOnce(task: SandboxTask, limits: SandboxLimits, signal: AbortSignal): Promise<Run> {
  const child = start(limits);
  const run = new SandboxRun(task, child, limits);
  const abort = (): void => void child.kill('SIGKILL');
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await run.outcome();
  } finally {
    signal.removeEventListener('abort', abort);
    child.kill('SIGKILL');
  }
}

/** One process and what it has said. */
class SandboxRun {
  readonly #task: SandboxTask;
  readonly #child: ChildProcess;
  readonly #limits: SandboxLimits;
  readonly #matches: Match[] = [];
  readonly #failures: SandboxOutcome['failures'][number][] = [];
  #done = 0;
  #begun = -1;
  #killedFor: EndReason | undefined;
  #deadline: NodeJS.Timeout | undefined;

  constructor(task: SandboxTask, child: ChildProcess, limits: SandboxLimits) {
    this.#task = task;
    this.#child = child;
    this.#limits = limits;
  }

  outcome(): Promise<Run> {
    return new Promise((resolve) => {
      const child = this.#child;
      const looking = setInterval(() => this.#look(), LOOK_EVERY_MS);
      this.#within(LOAD_MS);
      child.on('message', (news) => this.#hear(news as SandboxNews));
      child.on('error', () => child.kill('SIGKILL'));
      child.once('close', (_, how) => {
        clearInterval(looking);
        clearTimeout(this.#deadline);
        const guilty = this.#begun === this.#done ? this.#task.units[this.#begun] : undefined;
        // A heap that is full ends Node by SIGABRT.
        const ended = this.#killedFor ?? (how === 'SIGABRT' ? 'memory' : 'crashed');
        resolve({ matches: this.#matches, failures: this.#failures, done: this.#done, guilty, ended });
      });
      child.send(this.#task);
    });
  }

  #hear(news: SandboxNews): void {
    if (news.say === 'end') return;
    if (news.say === 'begin') {
      this.#begun = news.unit;
      this.#within(this.#limits.deadlineMs);
      return;
    }
    const unit = this.#task.units[news.unit];
    if (unit === undefined) return;
    this.#done = news.unit + 1;
    this.#matches.push(...news.matches);
    for (const { ruleId, text } of news.errors) {
      const scope = ruleId === '' ? {} : { scope: `rule:${ruleId}` };
      this.#failures.push({ ...unit, reason: 'threw', text: ruleId === '' ? text : `rule ${ruleId}: ${text}`, attempts: 2, ...scope });
    }
    this.#within(LOAD_MS);
  }

  #within(ms: number): void {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => this.#kill('deadline'), ms);
  }

  #look(): void {
    const bytes = residentBytes(this.#child.pid);
    if (bytes !== undefined && bytes > (this.#limits.heapMiB + BESIDE_HEAP_MIB) * 1024 * 1024) this.#kill('memory');
  }

  #kill(reason: EndReason): void {
    this.#killedFor ??= reason;
    this.#child.kill('SIGKILL');
  }
}

function start({ heapMiB, deadlineMs }: SandboxLimits): ChildProcess {
  const built = !import.meta.url.endsWith('.ts');
  const patienceMs = Math.max(LOAD_MS, deadlineMs) + PATIENCE_MS;
  return fork(new URL(`./sandbox-process.${built ? 'js' : 'ts'}`, import.meta.url), [String(patienceMs)], {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    // Nothing of the environment: it may hold secrets, and an event needs none.
    env: {},
    execArgv: [...(built ? [] : ['--conditions=tocsin-source']), `--max-old-space-size=${heapMiB}`],
  });
}

/** Memory of a process, where the system tells it as Linux does. */
function residentBytes(pid: number | undefined): number | undefined {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * 4096;
  } catch {
    // Elsewhere, and of a process that has just ended, nothing is told: the heap's own bound and the deadline hold.
    return undefined;
  }
}

function saying(reason: EndReason, { deadlineMs, heapMiB }: SandboxLimits): string {
  if (reason === 'deadline') return `judging it did not end within ${deadlineMs} ms`;
  if (reason === 'memory') return `judging it took more memory than a process with a heap of ${heapMiB} MiB has`;
  return 'judging it ended the process';
}
