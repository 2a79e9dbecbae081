/** Runs a detector over plain events: for its author's tests. What runs it in an installation is the same selection and the same folds. */
import { type Alert, type Fields, type FrameView, type HotAttributes, type LogSource, type Position, sourceKey } from '@tocsin/core';
import { checkDetector } from './check-detector.ts';
import type { Detector } from './detector.ts';
import { DetectorFolds } from './detector-folds.ts';
import { DetectorSelection } from './select-events.ts';

/** An event as a test writes it. */
export interface TestEvent {
  readonly timeMs: number;
  readonly fields: Fields;
  readonly attributes?: HotAttributes | undefined;
  readonly tenant?: string | undefined;
  readonly source?: string | undefined;
}

/** What came of the events. */
export interface DetectorRun {
  /** Newest state of each alert, in the order in which they were raised. */
  readonly alerts: readonly Alert[];
  /** What the detector threw, in order. */
  readonly errors: readonly unknown[];
}

const SOURCE = 'test';

/** Gives the events to the detector one by one, each as a step of its own with its time as the watermark. @throws detect.bad_detector */
export function runDetector<S>(detector: Detector<S>, events: readonly TestEvent[], logSource: Partial<LogSource> = {}): DetectorRun {
  const loaded = checkDetector(detector, { path: 'the detector', sha256: '' });
  const wanted = loaded.detector.sources[0];
  const source: LogSource = {
    mapping: 'test',
    product: wanted?.product,
    services: wanted?.service === undefined ? [] : [wanted.service],
    categories: wanted?.category === undefined ? [] : [wanted.category],
    aliases: {},
    prefixes: [],
    entity: [],
    ...logSource,
  };
  const selection = new DetectorSelection([loaded], [source]);
  const folds = new DetectorFolds([loaded]);
  const alerts = new Map<string, Alert>();
  const errors: unknown[] = [];
  events.forEach((event, place) => {
    const tenant = event.tenant ?? 'test';
    const matches = selection.select(frameOf(event, { place, mapping: source.mapping, tenant }), {
      at: `test.${place}` as Position,
      fieldsOf: () => event.fields,
      onError: (_, __, cause) => errors.push(cause),
    });
    const watermarks = { [sourceKey(tenant, event.source ?? SOURCE)]: event.timeMs };
    const step = { partition: 0, epoch: 'test', read: {}, watermarks, ruleSet: 'test', judged: 1, duplicates: 0, matches };
    for (const alert of folds.advance(step, { onFailure: ({ cause }) => errors.push(cause) })) alerts.set(alert.id, alert);
  });
  return { alerts: [...alerts.values()], errors };
}

function frameOf(event: TestEvent, { place, mapping, tenant }: { place: number; mapping: string; tenant: string }): FrameView {
  const record = new TextEncoder().encode(JSON.stringify(event.fields));
  const whole = {
    id: `event-${place}`,
    source: event.source ?? SOURCE,
    type: mapping,
    schemaVersion: 1,
    tenant,
    timeMs: event.timeMs,
    receivedMs: event.timeMs,
    severity: 1 as const,
    classUid: 0,
    activityId: 0,
    mapping,
    attributes: event.attributes ?? {},
    flags: [],
    producerId: false,
    record,
  };
  return {
    header: {
      id: `frame-${place}`,
      tenant,
      lane: 'live',
      partition: 0,
      epoch: 'test',
      ordinal: place,
      count: 1,
      minTimeMs: event.timeMs,
      maxTimeMs: event.timeMs,
      site: 'test',
    },
    id: () => whole.id,
    source: () => whole.source,
    mapping: () => mapping,
    type: () => mapping,
    timeMs: () => event.timeMs,
    receivedMs: () => event.timeMs,
    producerId: () => false,
    attributes: () => whole.attributes,
    flags: () => [],
    record: () => record,
    records: () => ({ count: 1, bytes: record, starts: Uint32Array.of(0), ends: Uint32Array.of(record.length) }),
    event: () => whole,
  };
}
