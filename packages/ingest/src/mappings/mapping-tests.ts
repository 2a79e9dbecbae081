/** Runs the tests that mapping files carry: record → decoder → mapping, compared with what the file expects. */
import { decoders, isFormat } from '../decoders/decoders.ts';
import { defaultDecodeLimits } from '../decoders/record-decoder.ts';
import type { Mapped } from './compile-mapping.ts';
import type { MappingSet } from './mapping-set.ts';
import type { MappingTest } from './mapping-spec.ts';

/** A difference between what a mapping file expects and what came out. */
export interface MappingTestFailure {
  readonly test: MappingTest;
  /** What differs, by key of `expect`: what was wanted and what came. */
  readonly differences: readonly string[];
}

/** Runs every test of a set; empty where all hold. */
export function runMappingTests(set: MappingSet): MappingTestFailure[] {
  return set.tests.flatMap((test) => {
    const differences = runOne(set, test);
    return differences.length === 0 ? [] : [{ test, differences }];
  });
}

function runOne(set: MappingSet, test: MappingTest): string[] {
  if (!isFormat(test.format)) return [`no format is called ${test.format}`];
  const [decoded] = decoders[test.format].decode(new TextEncoder().encode(test.record), defaultDecodeLimits);
  if (decoded === undefined || 'rejected' in decoded) return [decoded?.reason ?? 'nothing was decoded'];
  const mapped = set.map(decoded.format, decoded.fields, test.receivedMs);
  return Object.entries(test.expect).flatMap(([key, wanted]) => {
    const came = resultOf(mapped, key);
    const same = stable(came) === stable(key === 'time' && typeof wanted === 'string' ? Date.parse(wanted) : wanted);
    return same ? [] : [`${key}: wanted ${stable(wanted)}, came ${stable(key === 'time' ? isoOf(came) : came)}`];
  });
}

function resultOf(mapped: Mapped, key: string): unknown {
  const results: Readonly<Record<string, unknown>> = {
    mapping: mapped.mapping,
    class: mapped.classUid,
    activity: mapped.activityId,
    severity: mapped.severity,
    time: mapped.timeMs,
    attributes: mapped.attributes,
    event_id: mapped.producerEventId,
  };
  return results[key];
}

/** JSON with members in the order of their names. */
function stable(value: unknown): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return JSON.stringify(value) ?? 'nothing';
  return JSON.stringify(Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))));
}

function isoOf(value: unknown): unknown {
  return typeof value === 'number' ? new Date(value).toISOString() : value;
}
