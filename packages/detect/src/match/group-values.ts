/** What a hit carries for the folds: the values of the fields that any of them groups by. */
import { type HotAttributes, hashParts } from '@tocsin/core';
import type { CompiledRules } from '../compile/compiled-rules.ts';
import { isScalar } from '../compile/event-view.ts';
import { entityField } from './entity-fields.ts';
import type { RecordHit } from './judge-records.ts';

const MAX_GROUP_CHARS = 256;

/**
 * First value per field; a field without a scalar value is left out, and folds that group by it pass over the match. Call it while the
 * hit's route shows the record. `attributes` is asked only where a fold groups by an entity.
 */
export function groupValues(
  compiled: CompiledRules,
  { route, detection }: RecordHit,
  attributes: () => HotAttributes,
): Record<string, string> {
  const fields = compiled.groupFields.get(detection.rule.meta.id);
  const values: Record<string, string> = {};
  if (fields === undefined) return values;
  for (const field of fields) {
    const entity = entityField(field);
    const first = entity === undefined ? route.view.slot(field).read().values[0] : entity(attributes());
    if (!isScalar(first)) continue;
    const text = boundedText(String(first));
    if (field !== '__proto__') values[field] = text;
    // As data of its own: an assignment would look for a prototype.
    else Object.defineProperty(values, field, { value: text, enumerable: true, configurable: true, writable: true });
  }
  return values;
}

/** Long values keep their start and a hash of the whole, so that two of them stay two groups. */
function boundedText(text: string): string {
  if (text.length <= MAX_GROUP_CHARS) return text;
  const known = bounded.get(text);
  if (known !== undefined) return known;
  const fresh = `${text.slice(0, 200)}…${hashParts([text])}`;
  if (bounded.size >= MOST_BOUNDED) bounded.clear();
  bounded.set(text, fresh);
  return fresh;
}

/** Of the long values met last: a record satisfies several rules, and each carries the same ones. */
const bounded = new Map<string, string>();
const MOST_BOUNDED = 16;
