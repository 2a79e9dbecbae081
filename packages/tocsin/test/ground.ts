/**
 * What the tests of the duties stand on: a memory bus with the topology of an installation, frames of plain JSON events, and rules about
 * them. An event's time is its receipt unless it says otherwise.
 */
import { type CompleteBus, encodeFrame } from '@tocsin/bus';
import { createMemoryBus, MemoryServer, type MemoryServerOptions } from '@tocsin/bus/memory';
import {
  type Alert,
  type Fields,
  type FrameRecord,
  type FrameView,
  type Lane,
  type LogSource,
  type MatchStep,
  systemClock,
} from '@tocsin/core';
import { createDrop, type Drop } from '../src/deadletters/drop.ts';
import { parseAlert } from '../src/duties/alert-writer.ts';
import { parseStep } from '../src/duties/partition-progress.ts';
import { RuleBook, type RuleFile } from '../src/rules/rule-book.ts';
import { ALERTS_FILTER, eventsSubject, MATCHES_FILTER } from '../src/subjects.ts';
import { type TopologyOptions, topology } from '../src/topology.ts';

const MIB_64 = 64 * 1024 * 1024;

/** Partitions of the ground. */
export const PARTITIONS = 2;

/** Log source of the events made here. */
export const logSources: readonly LogSource[] = [
  { mapping: 'json', product: 'test', services: [], categories: [], aliases: {}, prefixes: [], entity: ['device.hostname'] },
];

/** Limits that no test reaches, unless it means to. */
export const roomy: TopologyOptions = {
  inMaxBytes: 1 << 30,
  eventsMaxBytes: MIB_64,
  matchesMaxBytes: MIB_64,
  alertsMaxBytes: MIB_64,
  auditMaxBytes: MIB_64,
  deadLettersMaxBytes: MIB_64,
  replaysMaxBytes: MIB_64,
};

/** A server with the streams of an installation, and a connection to it. */
export async function openGround(options: MemoryServerOptions = {}): Promise<{ server: MemoryServer; bus: CompleteBus }> {
  const server = new MemoryServer(options);
  const bus = createMemoryBus({ server });
  await bus.ensure(topology(roomy));
  return { server, bus };
}

/** An event to be framed; what is left out is plain. */
export interface PlannedEvent {
  readonly id?: string;
  readonly fields: Fields;
  readonly host?: string;
  readonly source?: string;
  readonly timeMs?: number;
  readonly receivedMs?: number;
}

/** Where a frame goes. */
export interface Place {
  readonly tenant?: string;
  readonly lane?: Lane;
  readonly partition?: number;
}

let frames = 0;

/** Stores events as one frame. */
export async function storeEvents(bus: CompleteBus, events: readonly PlannedEvent[], place: Place = {}): Promise<void> {
  const { tenant = 'acme', lane = 'live', partition = 0 } = place;
  frames += 1;
  const fields = { id: `frame-${frames}`, tenant, lane, partition, epoch: 'E', ordinal: frames * 1000, site: 'memory' };
  const body = encodeFrame(fields, events.map(toRecord));
  await bus.commit([{ subject: eventsSubject(lane, partition, tenant), id: fields.id, body }]);
}

function toRecord(event: PlannedEvent, index: number): FrameRecord {
  const receivedMs = event.receivedMs ?? Date.now();
  return {
    id: event.id ?? `made-${frames}-${index}`,
    source: event.source ?? 'edr',
    type: 'json',
    schemaVersion: 1,
    timeMs: event.timeMs ?? receivedMs,
    receivedMs,
    severity: 1,
    classUid: 0,
    activityId: 0,
    mapping: 'json',
    attributes: { 'device.hostname': event.host ?? 'h1' },
    flags: [],
    producerId: event.id !== undefined,
    record: Buffer.from(JSON.stringify(event.fields)),
  };
}

/** Fields as the decoder of plain JSON gives them. */
export function fieldsOf(frame: FrameView, index: number): Fields {
  return JSON.parse(Buffer.from(frame.record(index)).toString()) as Fields;
}

/** Text of a rule about events with `{ act: <word> }`. */
export function ruleText(id: string, word: string, more = ''): string {
  return `title: ${id}\nid: ${id}\nlogsource: { product: test }\ndetection: { s: { act: ${word} }, condition: s }\nlevel: high\n${more}`;
}

/** A file with a plain rule. */
export function ruleFile(id: string, word: string, tenant?: string): RuleFile {
  return { path: `${id}.yml`, text: ruleText(id, word), ...(tenant === undefined ? {} : { tenant }) };
}

/** A compiled rule set. */
export function bookOf(...files: RuleFile[]): RuleBook {
  return RuleBook.compile(files, logSources);
}

/** The door of a duty for what it cannot handle. */
export function dropInto(bus: CompleteBus): Drop {
  return createDrop({ bus, clock: systemClock, onTrouble: () => undefined, giveUp: new AbortController().signal });
}

/** All steps on MATCHES. */
export async function readSteps(bus: CompleteBus): Promise<MatchStep[]> {
  const steps: MatchStep[] = [];
  for await (const stored of bus.read(MATCHES_FILTER, 'first')) steps.push(parseStep(stored));
  return steps;
}

/** All messages on ALERTS, in order. */
export async function readAlerts(bus: CompleteBus): Promise<Alert[]> {
  const alerts: Alert[] = [];
  for await (const stored of bus.read(ALERTS_FILTER, 'first')) alerts.push(parseAlert(stored));
  return alerts;
}

/** Resolves when `look` answers true; rejects after `withinMs`. */
export async function until(look: () => boolean | Promise<boolean>, withinMs = 10_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await look())) {
    if (performance.now() > deadline) throw new Error(`waited ${withinMs} ms for ${String(look)}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Something that runs until it is stopped; stopping gives what it ended with. */
export function running(start: (signal: AbortSignal) => Promise<void>): { stop: () => Promise<void>; ended: Promise<void> } {
  const stop = new AbortController();
  const ended = start(stop.signal);
  // Whoever stops it is told; until then a failure is nobody's surprise.
  void Promise.allSettled([ended]);
  return {
    ended,
    stop: () => {
      stop.abort();
      return ended;
    },
  };
}
