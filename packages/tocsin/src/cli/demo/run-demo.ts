/** The demo: recorded attacks sent through the real events door with their own spacing compressed, and what detection makes of them. */
import type { Alert } from '@tocsin/core';
import { foundAlerts } from '../alerts/alert-facts.ts';
import { printAlertLine } from '../alerts/alert-tables.ts';
import { listAlerts } from '../alerts/fetch-alerts.ts';
import type { ApiClient } from '../api-client.ts';
import { sayCount, sayMany } from '../figures.ts';
import { interruptibleWait } from '../interruptible-wait.ts';
import { type AlertWatch, watchAlerts } from '../playback/alert-watch.ts';
import { deliver } from '../playback/deliver.ts';
import { latencyOf } from '../playback/latency.ts';
import { settle } from '../playback/settle.ts';
import type { PlaybackSummary } from '../playback/summary.ts';
import { ensureSource } from '../source-token.ts';
import type { Terminal } from '../terminal.ts';
import { compareAlerts, type Difference } from './compare-alerts.ts';
import { type DemoBatch, type Recording, readRecordings } from './recording.ts';

/** What the demo is given. */
export interface DemoRequest {
  readonly api: ApiClient;
  /** Where the sources' tokens are kept. */
  readonly dataDir: string;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
  /** Folder of recordings. */
  readonly folder: string;
  /** How long the sending takes. */
  readonly seconds: number;
}

/** What came of it. */
export interface DemoOutcome extends PlaybackSummary {
  readonly alerts: readonly Alert[];
  readonly differences: readonly Difference[];
  readonly rejected: number;
}

const PATIENCE_MS = 60_000;
/** How long to wait for alerts that are expected and not there once detection has caught up, milliseconds. */
const LATE_MS = 10_000;
const MAX_ALERTS = 10_000;

/** Plays every recording at once; resolves when its alerts are there or no longer waited for. @throws cli.bad_demo, cli.unsure */
export async function runDemo(request: DemoRequest): Promise<DemoOutcome> {
  const { api, terminal, signal, seconds } = request;
  const recordings = await readRecordings(request.folder);
  const sources = new Set(recordings.map(sourceOf));
  const isOurs = (alert: Alert): boolean => alert.evidence.some((each) => sources.has(each.source));
  introduce(terminal, recordings, seconds);
  await using watch = await watchAlerts(api, {
    accept: isOurs,
    onNew: (alert) => terminal.interactive && printAlertLine(terminal, alert),
    nowMs: Date.now,
  });
  const sent = await playAll(request, recordings, watch);
  await settle(api, PATIENCE_MS, signal);
  const { alerts, differences } = await awaitExpected(request, { recordings, isOurs, watch });
  return { ...sent, alerts, differences, found: foundAlerts(alerts), latency: latencyOf(watch.latenciesMs) };
}

function sourceOf(recording: Recording): string {
  return `demo-${recording.name}`;
}

function introduce(terminal: Terminal, recordings: readonly Recording[], seconds: number): void {
  if (terminal.json) return;
  const events = recordings.reduce((sum, each) => sum + each.events, 0);
  terminal.line();
  terminal.line(
    `${terminal.style('bold', 'Demo')}: ${sayMany(recordings.length, 'recorded attack')}, ${sayMany(events, 'event')}, sent to the HTTP door within about ${seconds} s`,
  );
  for (const each of recordings) terminal.line(`  ${each.title} (${sayMany(each.events, 'event')})`);
  terminal.line();
}

interface Sent {
  events: number;
  accepted: number;
  duplicates: number;
  rejected: number;
  seconds: number;
}

async function playAll(request: DemoRequest, recordings: readonly Recording[], watch: AlertWatch): Promise<Sent> {
  const { api, dataDir, terminal } = request;
  const total = recordings.reduce((sum, each) => sum + each.events, 0);
  const tokens = new Map<Recording, string>();
  for (const each of recordings) tokens.set(each, (await ensureSource(api, dataDir, { name: sourceOf(each), format: each.format })).token);
  const sent: Sent = { events: 0, accepted: 0, duplicates: 0, rejected: 0, seconds: 0 };
  const bar = terminal.progress('Replaying');
  const startMs = performance.now();
  try {
    const plays = recordings.map((recording) =>
      play(request, { recording, token: tokens.get(recording) ?? '', startMs }, (batch, done) => {
        sent.events += batch.records;
        sent.accepted += done.accepted;
        sent.duplicates += done.duplicates;
        sent.rejected += done.rejected.length;
        bar.show(sent.events / total, `${sayCount(sent.events)} events · ${sayMany(watch.latenciesMs.length, 'alert')}`);
      }),
    );
    await Promise.all(plays);
  } finally {
    bar.end();
  }
  return { ...sent, seconds: (performance.now() - startMs) / 1000 };
}

interface Play {
  readonly recording: Recording;
  readonly token: string;
  readonly startMs: number;
}

async function play(
  request: DemoRequest,
  { recording, token, startMs }: Play,
  onSent: (batch: DemoBatch, done: Awaited<ReturnType<typeof deliver>>) => void,
): Promise<void> {
  const { api, signal, seconds } = request;
  for (const batch of recording.batches) {
    await interruptibleWait(startMs + batch.due * seconds * 1000 - performance.now(), signal);
    // The same key in every demo on one installation: played again, nothing is counted twice.
    const key = `demo-${recording.name}-${batch.first}`;
    const where = `${recording.name}:${batch.first + 1}`;
    onSent(
      batch,
      await deliver(api, { bytes: batch.bytes, contentType: recording.contentType, key, token, signal, where, patienceMs: PATIENCE_MS }),
    );
  }
}

interface Hoped {
  readonly recordings: readonly Recording[];
  readonly isOurs: (alert: Alert) => boolean;
  readonly watch: AlertWatch;
}

/** The alerts as listed; waits for more as long as one that is expected is missing and something may still come. */
async function awaitExpected(
  request: DemoRequest,
  { recordings, isOurs, watch }: Hoped,
): Promise<{ alerts: Alert[]; differences: Difference[] }> {
  const { api, signal } = request;
  const { rules } = await api.call<{ rules: readonly { id: string; kind: string }[] }>('GET', '/rules');
  const correlations = new Set(rules.filter((rule) => rule.kind === 'correlation').map((rule) => rule.id));
  const expected = recordings.flatMap((each) => each.expected);
  const untilMs = performance.now() + LATE_MS;
  for (;;) {
    const alerts = (await listAlerts(api, {}, { limit: MAX_ALERTS })).filter(isOurs);
    const differences = compareAlerts(expected, foundAlerts(alerts), (rule) => correlations.has(rule));
    const leftMs = untilMs - performance.now();
    if (differences.length === 0 || leftMs <= 0) return { alerts, differences };
    const before = watch.changes;
    await watch.until(() => watch.changes > before, leftMs, signal);
    signal.throwIfAborted();
  }
}
