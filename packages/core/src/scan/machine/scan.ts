/** The machine's entry: the records of one program in a batch, chunk by chunk: gather their values, search them all at once, judge each record. */

import { runGroup } from './automata.ts';
import {
  ALL_RULES,
  BATCH,
  CHUNK_VALUES,
  ENDS,
  G_BUFFER,
  G_COUNT,
  G_HITS,
  G_LENGTH,
  G_SAVED_COUNT,
  G_SAVED_LENGTH,
  GROUP_BYTES,
  LIST,
  LIST_COUNT,
  MAX_CHUNK_BYTES,
  MAX_CHUNK_RECORDS,
  MAX_CHUNK_VALUES,
  MAX_RECORD_BYTES,
  OUT_COUNT,
  OUT_FIRST,
  P_GROUP_COUNT,
  P_GROUPS,
  P_RAW_FIELD,
  POOL_USED,
  STARTS,
} from './layout.data.ts';
import { type i32, i32At, type Memory, setI32, setU8 } from './memory.ts';
import { addRecord, addValues } from './values.ts';
import { judgeRecord, rewindGroup } from './verdict.ts';
import { walkRecord } from './walk.ts';

/** Finds the candidates of the listed records: for each, where they begin in the pool and how many there are, or `ALL_RULES`. */
export function scan(m: Memory, program: i32): void {
  const count = i32At(m, LIST_COUNT);
  let from = 0;
  while (from < count) {
    const to = gatherChunk(m, program, from, count);
    const groups = i32At(m, program + P_GROUP_COUNT);
    for (let g = 0; g < groups; g++) {
      const group = i32At(m, program + P_GROUPS) + g * GROUP_BYTES;
      runGroup(m, group);
      rewindGroup(m, group, i32At(m, group + G_HITS));
    }
    for (let i = from; i < to; i++) judgeListed(m, program, i);
    from = to;
  }
}

/** Gathers records until a chunk is full; the ordinal behind the last one. */
function gatherChunk(m: Memory, program: i32, from: i32, count: i32): i32 {
  const groups = i32At(m, program + P_GROUP_COUNT);
  for (let g = 0; g < groups; g++) {
    const group = i32At(m, program + P_GROUPS) + g * GROUP_BYTES;
    setU8(m, i32At(m, group + G_BUFFER), 0);
    setI32(m, group + G_LENGTH, 1);
    setI32(m, group + G_COUNT, 0);
  }
  setI32(m, CHUNK_VALUES, 0);
  let bytes = 0;
  let i = from;
  while (i < count && i - from < MAX_CHUNK_RECORDS && bytes < MAX_CHUNK_BYTES && i32At(m, CHUNK_VALUES) < MAX_CHUNK_VALUES) {
    bytes += gatherRecord(m, program, i);
    i++;
  }
  return i;
}

/** Gathers one record's values, or nothing of it where it is unusual; its bytes. */
function gatherRecord(m: Memory, program: i32, ordinal: i32): i32 {
  const record = i32At(m, i32At(m, LIST) + ordinal * 4);
  const from = i32At(m, BATCH) + i32At(m, i32At(m, STARTS) + record * 4);
  const end = i32At(m, BATCH) + i32At(m, i32At(m, ENDS) + record * 4);
  copyGroups(m, program, G_LENGTH, G_COUNT, G_SAVED_LENGTH, G_SAVED_COUNT);
  const isUsual = end - from <= MAX_RECORD_BYTES && gather(m, program, ordinal, from, end);
  if (!isUsual) copyGroups(m, program, G_SAVED_LENGTH, G_SAVED_COUNT, G_LENGTH, G_COUNT);
  setI32(m, i32At(m, OUT_COUNT) + record * 4, isUsual ? 0 : ALL_RULES);
  return isUsual ? end - from : 0;
}

function gather(m: Memory, program: i32, ordinal: i32, from: i32, end: i32): boolean {
  if (!walkRecord(m, program, from, end) || !addValues(m, program, ordinal)) return false;
  const rawField = i32At(m, program + P_RAW_FIELD);
  return rawField < 0 || addRecord(m, program, rawField, ordinal, from, end);
}

/** Copies length and count of every group from where they stand to where they are to stand. */
function copyGroups(m: Memory, program: i32, fromLength: i32, fromCount: i32, toLength: i32, toCount: i32): void {
  const groups = i32At(m, program + P_GROUP_COUNT);
  for (let g = 0; g < groups; g++) {
    const group = i32At(m, program + P_GROUPS) + g * GROUP_BYTES;
    setI32(m, group + toLength, i32At(m, group + fromLength));
    setI32(m, group + toCount, i32At(m, group + fromCount));
  }
}

function judgeListed(m: Memory, program: i32, ordinal: i32): void {
  const record = i32At(m, i32At(m, LIST) + ordinal * 4);
  const out = i32At(m, OUT_COUNT) + record * 4;
  if (i32At(m, out) === ALL_RULES) return;
  const first = i32At(m, POOL_USED);
  setI32(m, i32At(m, OUT_FIRST) + record * 4, first);
  const from = i32At(m, BATCH) + i32At(m, i32At(m, STARTS) + record * 4);
  const end = i32At(m, BATCH) + i32At(m, i32At(m, ENDS) + record * 4);
  const fits = judgeRecord(m, program, ordinal, from, end);
  setI32(m, out, fits ? i32At(m, POOL_USED) - first : ALL_RULES);
}
