/**
 * The lines of a lane that can be sent again as new events: their own ids, where they carry one, are replaced by ids with room for a number. Lines
 * whose id lies elsewhere are left out, and how many is told: sent again they would be duplicates, which cost less than events.
 */
import type { Fields } from '@tocsin/core';
import { loadMappings, readShippedMappings } from '@tocsin/ingest';

/** Digits of the number; in ids of CloudTrail hexadecimal, in record numbers of Windows decimal. */
export const ORDINAL_DIGITS = 12;
/** Ids of CloudTrail records: the number follows. */
export const ID_STEM = '70c51000-be4c-4000-8000-';
/** Record numbers of Windows: the number follows. */
export const NUMBER_STEM = '1';

const ZERO = '0'.repeat(ORDINAL_DIGITS);
/** Any moment: what is asked of a mapping here does not depend on it. */
const RECEIVED_MS = 1_700_000_000_000;

/** The usable lines, in order. */
export function withOwnIds(lines: readonly string[]): { readonly lines: readonly string[]; readonly leftOut: number } {
  const mappings = loadMappings(readShippedMappings());
  const usable = lines
    .map((line) =>
      line
        .replace(/"eventID":"[0-9a-f-]{36}"/, `"eventID":"${ID_STEM}${ZERO}"`)
        .replace(/"RecordNumber":("?)\d+/, `"RecordNumber":$1${NUMBER_STEM}${ZERO}`)
        .replace(/"ts":\d+(?:\.\d+)?/, '"ts":1700000000.000000'),
    )
    .filter((line) => {
      const { producerEventId } = mappings.map('json', JSON.parse(line) as Fields, RECEIVED_MS);
      return producerEventId === undefined || ordinalOf(producerEventId) === 0;
    });
  return { lines: usable, leftOut: lines.length - usable.length };
}

/** Number within the run of the event with this id of its own; undefined where the id is none of ours. */
export function ordinalOf(id: string): number | undefined {
  if (id.startsWith(ID_STEM)) return Number.parseInt(id.slice(ID_STEM.length), 16);
  const number = new RegExp(`(?:^|/)${NUMBER_STEM}(\\d{${ORDINAL_DIGITS}})$`).exec(id)?.[1];
  return number === undefined ? undefined : Number(number);
}
