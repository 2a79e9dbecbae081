/** How a forwarder is doing: what it leaves in its folder once a second, for `tocsin forward status` and for whoever watches the machine. */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, TocsinError } from '@tocsin/core';
import type { RunningListener } from '../duties/start-listeners.ts';
import type { ForwardSettings } from './forward-settings.ts';
import type { ForwardedSource } from './forwarder.ts';

/** One source on its way. */
export interface ForwardedStatus {
  readonly name: string;
  /** Records on this disk that are not sent on, and their bytes. */
  readonly waiting: number;
  readonly waitingBytes: number;
  /** Sequence number of the next record. */
  readonly next: number;
  readonly stored: number;
  readonly duplicate: number;
  readonly dropped: number;
  readonly quarantined: number;
  readonly rejected: Readonly<Record<string, number>>;
  /** Records that were damaged on this disk. */
  readonly lost: number;
  readonly lastSentMs: number | null;
  /** Why nothing is taken there now. */
  readonly trouble: string | null;
}

/** One listener here. */
export interface ForwardListenerStatus {
  readonly kind: string;
  readonly name: string;
  readonly address: string;
  readonly records: number;
  readonly stored: number;
  readonly rejected: Readonly<Record<string, number>>;
  /** Turned away, by reason: what came while there was no room is lost where the protocol cannot wait. */
  readonly refused: Readonly<Record<string, number>>;
}

/** Status of a forwarder; counts are since its start. */
export interface ForwardStatus {
  readonly url: string;
  readonly pid: number;
  readonly atMs: number;
  readonly spoolMaxBytes: number;
  readonly sources: readonly ForwardedStatus[];
  readonly listeners: readonly ForwardListenerStatus[];
}

/** Puts it together. */
export function statusOf(from: {
  readonly settings: ForwardSettings;
  readonly sources: ReadonlyMap<string, ForwardedSource>;
  readonly listeners: readonly RunningListener[];
  readonly nowMs: number;
}): ForwardStatus {
  const sources = [...from.sources].map(([name, { outbox, sender }]): ForwardedStatus => {
    const { rejected, lastSentMs = null, trouble = null, ...counts } = sender.counts;
    const waits = { waiting: outbox.records, waitingBytes: outbox.bytes, next: outbox.next };
    return { name, ...waits, ...counts, rejected: Object.fromEntries(rejected), lastSentMs, trouble };
  });
  const listeners = from.listeners.map(
    ({ kind, name, address, counts }): ForwardListenerStatus => ({
      kind,
      name,
      address,
      records: counts.records,
      stored: counts.stored,
      rejected: Object.fromEntries(counts.rejected),
      refused: Object.fromEntries(counts.refused),
    }),
  );
  const { url, spoolMaxBytes } = from.settings;
  return { url, pid: process.pid, atMs: from.nowMs, spoolMaxBytes, sources, listeners };
}

/** Leaves it in a folder, whole or not at all. @throws errors of the file system */
export async function writeStatus(folder: string, status: ForwardStatus): Promise<void> {
  const fresh = join(folder, 'status.json.new');
  await writeFile(fresh, `${JSON.stringify(status)}\n`, { mode: 0o600 });
  await rename(fresh, join(folder, 'status.json'));
}

/** What a forwarder on this data folder has left. @throws cli.unreadable where there is none */
export async function readStatus(dataDir: string): Promise<ForwardStatus> {
  const path = join(dataDir, 'forward', 'status.json');
  try {
    return JSON.parse(await readFile(path, 'utf8')) as ForwardStatus;
  } catch (cause) {
    throw new TocsinError('cli.unreadable', { path, reason: messageOf(cause) }, { cause });
  }
}
