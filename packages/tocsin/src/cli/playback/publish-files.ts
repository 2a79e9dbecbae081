/** Sending inputs one after the other through the events door, at full speed or a given rate. */
import { isTocsinError, type TocsinError } from '@tocsin/core';
import type { ApiClient } from '../api-client.ts';
import { sayCount } from '../figures.ts';
import { interruptibleWait } from '../interruptible-wait.ts';
import type { ProgressBar } from '../progress-bar.ts';
import type { Terminal } from '../terminal.ts';
import { visible } from '../visible-text.ts';
import { type Batch, type BatchLimits, idempotencyKey } from './batch-cutter.ts';
import { deliver } from './deliver.ts';
import type { ImportBook, ImportEntry } from './import-book.ts';
import { type Input, openInput } from './open-input.ts';
import { type ReadLimits, readBatches } from './read-batches.ts';
import { Rejects } from './rejects.ts';
import { headHash, importedBefore, ResumedImport } from './resumed-import.ts';

/** What is sent and how. */
export interface PublishRequest {
  readonly api: ApiClient;
  /** Credential of the source. */
  readonly token: string;
  /** Format that the source reads; `auto` where absent. */
  readonly format?: string | undefined;
  /** Paths; `-` is standard input. */
  readonly paths: readonly string[];
  readonly stdin: AsyncIterable<Uint8Array>;
  /** Events per second; as fast as the door takes them where absent. */
  readonly rate?: number | undefined;
  /** Where it stands what was imported before; without it everything is sent. */
  readonly book?: ImportBook | undefined;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
}

/** What became of it all. */
export interface Published {
  readonly events: number;
  readonly accepted: number;
  readonly duplicates: number;
  readonly rejects: Rejects;
  readonly seconds: number;
  /** Files that could not be read, or not to their end; what was read of them was sent. */
  readonly unreadable: readonly TocsinError<'cli.unreadable'>[];
}

const MAX_BATCH: BatchLimits = { maxBytes: 1_000_000, maxRecords: 2000 };
/** With a rate, batches hold what is due in this part of a second. */
const BATCHES_PER_SECOND = 10;
/** Formats whose sources take JSON objects, which rows of a file become. */
const OBJECTS: ReadonlySet<string> = new Set(['auto', 'json', 'windows-json', 'csv', 'evtx', 'w3c', 'zeek']);
/** How long a batch is sent again and again, milliseconds. */
const PATIENCE_MS = 120_000;

/** Resolves when every record that can be read is stored or refused. @throws cli.unsure, and what the door refuses for good */
export async function publishFiles(request: PublishRequest): Promise<Published> {
  const run = {
    events: 0,
    accepted: 0,
    duplicates: 0,
    rejects: new Rejects(),
    unreadable: [] as TocsinError<'cli.unreadable'>[],
    startMs: performance.now(),
  };
  for (const path of request.paths) {
    let bar: Pick<ProgressBar, 'show' | 'end'> | undefined;
    try {
      const input = await openInput(path, request.stdin);
      bar = request.terminal.progress(visible(input.name));
      await publishInput(request, { path, input }, async (batch, key, known) => {
        run.duplicates += known;
        run.events += known;
        if (batch === undefined) return;
        if (request.rate !== undefined)
          await interruptibleWait(run.startMs + (run.events / request.rate) * 1000 - performance.now(), request.signal);
        const where = `${input.name}:${batch.line}`;
        const { api, token, signal } = request;
        const done =
          batch.unread === undefined
            ? await deliver(api, { ...batch, key, where, token, signal, patienceMs: PATIENCE_MS, onWait: waitNote(request.terminal) })
            : { accepted: 0, duplicates: 0, rejected: batch.unread };
        run.events += batch.records;
        run.accepted += done.accepted;
        run.duplicates += done.duplicates;
        run.rejects.add(input.name, batch, done.rejected);
        const perSecond = run.events / ((performance.now() - run.startMs) / 1000);
        bar?.show(
          input.size === undefined ? undefined : input.readBytes() / Math.max(1, input.size),
          `${sayCount(run.events)} events, ${sayCount(perSecond)}/s`,
        );
      });
    } catch (error) {
      if (!isTocsinError(error, 'cli.unreadable')) throw error;
      run.unreadable.push(error);
    } finally {
      bar?.end();
    }
  }
  return { ...run, seconds: (performance.now() - run.startMs) / 1000 };
}

/** Says once per batch that it waits, and for what. */
function waitNote(terminal: Terminal): (reason: string) => void {
  let isSaid = false;
  return (reason) => {
    if (!isSaid) terminal.note(`Trying again for ${PATIENCE_MS / 1000} s at most: ${visible(reason)}`);
    isSaid = true;
  };
}

type Send = (batch: Batch | undefined, key: string, known: number) => Promise<void>;

async function publishInput(request: PublishRequest, { path, input }: { path: string; input: Input }, send: Send): Promise<void> {
  const before = request.book === undefined || path === '-' ? undefined : await findBefore(request, path, request.book);
  let head: Uint8Array = new Uint8Array(0);
  let resumed: ResumedImport | undefined;
  const batches = readBatches(input, limitsOf(request), (line) => {
    head = line.slice();
    if (request.book !== undefined && path !== '-') resumed = new ResumedImport(request.book, head, before);
  });
  try {
    for await (const batch of batches) {
      request.signal.throwIfAborted();
      const { known, rest } = resumed?.take(batch) ?? { known: 0, rest: batch };
      await send(rest, rest === undefined ? '' : idempotencyKey(head, rest), known);
      if (rest !== undefined) await resumed?.stored(rest, performance.now());
    }
  } finally {
    await resumed?.enter(performance.now());
  }
}

/** Reads a file that begins like one that was imported, to see whether it is that one. */
async function findBefore(request: PublishRequest, path: string, book: ImportBook): Promise<ImportEntry | undefined> {
  const input = await openInput(path, request.stdin);
  let candidates: readonly ImportEntry[] = [];
  const batches = readBatches(input, limitsOf(request), (line) => void (candidates = book.of(headHash(line))));
  const first = await batches.next();
  if (first.done === true || candidates.length === 0) {
    await batches.return(undefined);
    return undefined;
  }
  return await importedBefore(prepend(first.value, batches), candidates);
}

async function* prepend(first: Batch, rest: AsyncGenerator<Batch>): AsyncGenerator<Batch> {
  yield first;
  yield* rest;
}

function limitsOf({ rate, format }: PublishRequest): ReadLimits {
  const perBatch = rate === undefined ? MAX_BATCH.maxRecords : Math.floor(rate / BATCHES_PER_SECOND);
  return { ...MAX_BATCH, maxRecords: Math.max(1, Math.min(MAX_BATCH.maxRecords, perBatch)), isLines: !OBJECTS.has(format ?? 'auto') };
}
