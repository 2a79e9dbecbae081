/**
 * From hits to candidates: each reported needle is compared with the text, the leaves it speaks for are stamped with the record's epoch,
 * and the rules that a stamp wakes are judged by their programs, in which a leaf may be seen, sure, or neither.
 */
import {
  A_ACCEPT,
  A_CLASSES,
  A_OUTS,
  A_ROOT,
  A_TABLE,
  A_TRAP,
  ACCEPT,
  CASED,
  COMPOSITE,
  D_ANCHOR,
  D_BACK,
  D_CASED,
  D_EPOCH,
  D_FIELD,
  D_LEAVES,
  D_LENGTH,
  D_TEXT,
  DASH,
  ESCAPE,
  EXACT,
  F_BACKWARD,
  F_BYTES,
  F_EPOCH,
  F_FORWARD,
  F_NULL,
  F_ON_DASH,
  F_ON_OPAQUE,
  F_ON_VALUE,
  F_ON_WIDE,
  FIELD_BYTES,
  FINGERPRINT_MASKS,
  FLAGS,
  G_AUTOMATON,
  G_COUNT,
  G_HITS_END,
  G_NEXT_HIT,
  G_NEXT_VALUE,
  G_VALUES,
  GROUP_BYTES,
  I_ARGUMENT,
  I_ELSE,
  I_THEN,
  L_RULES,
  L_SEEN,
  L_SURE,
  LEAF_BYTES,
  NEEDLE_BYTES,
  NULL,
  O_LIST,
  O_NEXT,
  OPAQUE,
  OUT_BYTES,
  P_ALWAYS,
  P_ALWAYS_COUNT,
  P_EPOCH,
  P_FIELDS,
  P_FINGERPRINTS,
  P_GROUP_COUNT,
  P_GROUPS,
  P_LEAVES,
  P_NEEDLES,
  P_RULES,
  P_TELLING,
  P_TOUCHED,
  P_TOUCHED_COUNT,
  POOL,
  POOL_CAPACITY,
  POOL_USED,
  PREFIX,
  R_CODE,
  R_EPOCH,
  ROW_SHIFT,
  RULE_BYTES,
  SUFFIX,
  TEST_EXISTS,
  TEST_NOT_SURE,
  TEST_SEEN,
  TEXTLESS,
  V_END,
  V_FIELD,
  V_FLAGS,
  V_START,
  VALUE_BYTES,
  WIDE,
} from './layout.data.ts';
import { findByte, findFingerprint, type i32, i32At, type Memory, sameBytes, sameFolded, setI32, u8At, u16At } from './memory.ts';
import { hexUnit } from './values.ts';

/** Judges the record with this ordinal that lies in [from, end); the indexes of its candidates are added to the pool, ascending. False where the pool is full. */
export function judgeRecord(m: Memory, program: i32, ordinal: i32, from: i32, end: i32): boolean {
  setI32(m, program + P_EPOCH, i32At(m, program + P_EPOCH) + 1);
  setI32(m, program + P_TOUCHED_COUNT, 0);
  const groups = i32At(m, program + P_GROUP_COUNT);
  for (let g = 0; g < groups; g++) applyGroup(m, program, i32At(m, program + P_GROUPS) + g * GROUP_BYTES, ordinal);
  if (i32At(m, program + P_FINGERPRINTS) !== 0) applyFingerprints(m, program, from, end);
  const first = i32At(m, POOL_USED);
  const touched = i32At(m, program + P_TOUCHED_COUNT);
  if (first + touched + i32At(m, program + P_ALWAYS_COUNT) > i32At(m, POOL_CAPACITY)) return false;
  for (let i = 0; i < touched; i++) judgeRule(m, program, first, i32At(m, i32At(m, program + P_TOUCHED) + i * 4));
  const always = i32At(m, program + P_ALWAYS_COUNT);
  for (let i = 0; i < always; i++) judgeRule(m, program, first, i32At(m, i32At(m, program + P_ALWAYS) + i * 4));
  return true;
}

/** Keeps a rule that may hold, in its place among those of the record. */
function judgeRule(m: Memory, program: i32, first: i32, rule: i32): void {
  if (!mayHold(m, program, i32At(m, i32At(m, program + P_RULES) + rule * RULE_BYTES + R_CODE))) return;
  const pool = i32At(m, POOL);
  let at = i32At(m, POOL_USED);
  setI32(m, POOL_USED, at + 1);
  while (at > first && i32At(m, pool + (at - 1) * 4) > rule) {
    setI32(m, pool + at * 4, i32At(m, pool + (at - 1) * 4));
    at--;
  }
  setI32(m, pool + at * 4, rule);
}

function mayHold(m: Memory, program: i32, from: i32): boolean {
  const epoch = i32At(m, program + P_EPOCH);
  const leaves = i32At(m, program + P_LEAVES);
  const fields = i32At(m, program + P_FIELDS);
  let code = from;
  while (code > 0) {
    const test = i32At(m, code);
    const argument = i32At(m, code + I_ARGUMENT);
    let holds = false;
    if (test === TEST_SEEN) holds = i32At(m, leaves + argument * LEAF_BYTES + L_SEEN) === epoch;
    else if (test === TEST_NOT_SURE) holds = i32At(m, leaves + argument * LEAF_BYTES + L_SURE) !== epoch;
    else {
      const field = fields + argument * FIELD_BYTES;
      const exists = i32At(m, field + F_EPOCH) === epoch;
      holds = test === TEST_EXISTS ? exists : !exists || i32At(m, field + F_NULL) === epoch;
    }
    code = i32At(m, code + (holds ? I_THEN : I_ELSE));
  }
  return code === ACCEPT;
}

/** Makes a group's values and hits ready to be read record by record. */
export function rewindGroup(m: Memory, group: i32, hits: i32): void {
  setI32(m, group + G_NEXT_VALUE, i32At(m, group + G_VALUES));
  setI32(m, group + G_NEXT_HIT, hits);
}

function applyGroup(m: Memory, program: i32, group: i32, ordinal: i32): void {
  const last = i32At(m, group + G_VALUES) + i32At(m, group + G_COUNT) * VALUE_BYTES;
  let value = i32At(m, group + G_NEXT_VALUE);
  while (value < last && i32At(m, value) === ordinal) {
    applyValue(m, program, value);
    applyHits(m, program, group, value);
    value += VALUE_BYTES;
  }
  setI32(m, group + G_NEXT_VALUE, value);
}

function applyValue(m: Memory, program: i32, value: i32): void {
  const field = i32At(m, program + P_FIELDS) + i32At(m, value + V_FIELD) * FIELD_BYTES;
  const flags = i32At(m, value + V_FLAGS);
  const epoch = i32At(m, program + P_EPOCH);
  setI32(m, field + F_EPOCH, epoch);
  if ((flags & NULL) !== 0) setI32(m, field + F_NULL, epoch);
  if ((flags & (NULL | COMPOSITE)) !== 0) return;
  stampAll(m, program, i32At(m, field + F_ON_VALUE));
  if (flags !== 0) applyFlags(m, program, field, flags);
  if ((flags & TEXTLESS) === 0) applyText(m, program, field, value);
}

/** Needles at the ends of a value, and those of one byte. */
function applyText(m: Memory, program: i32, field: i32, value: i32): void {
  const start = i32At(m, value + V_START);
  const end = i32At(m, value + V_END);
  const forward = i32At(m, field + F_FORWARD);
  if (forward !== 0) runAlong(m, program, forward, value, start, 1);
  const backward = i32At(m, field + F_BACKWARD);
  if (backward !== 0) runAlong(m, program, backward, value, end - 1, -1);
  const bytes = i32At(m, field + F_BYTES);
  const count = i32At(m, bytes);
  for (let i = 0; i < count; i++) {
    const needle = i32At(m, bytes + 4 + i * 4);
    const at = findByte(m, start, end, u8At(m, i32At(m, needleBlock(m, program, needle) + D_TEXT)));
    if (at < end) tryNeedle(m, program, needle, value, at + 1);
  }
}

function applyFlags(m: Memory, program: i32, field: i32, flags: i32): void {
  if ((flags & OPAQUE) !== 0) stampAll(m, program, i32At(m, field + F_ON_OPAQUE));
  if ((flags & DASH) !== 0) stampAll(m, program, i32At(m, field + F_ON_DASH));
  if ((flags & WIDE) !== 0) stampAll(m, program, i32At(m, field + F_ON_WIDE));
}

/** Walks one value from its first byte on, or from its last one back, as far as any needle goes. */
function runAlong(m: Memory, program: i32, automaton: i32, value: i32, from: i32, step: i32): void {
  const classes = i32At(m, automaton + A_CLASSES);
  const table = i32At(m, automaton + A_TABLE);
  const accept = i32At(m, automaton + A_ACCEPT);
  const trap = i32At(m, automaton + A_TRAP);
  const start = i32At(m, value + V_START);
  const end = i32At(m, value + V_END);
  let state = i32At(m, automaton + A_ROOT);
  let p = from;
  while (state !== trap) {
    if (state >= accept) tryOutputs(m, program, automaton, state, value, p);
    if (p < start || p >= end) return;
    state = u16At(m, table + (state << ROW_SHIFT) + (u8At(m, classes + u8At(m, p)) << 1));
    p += step;
  }
}

function applyHits(m: Memory, program: i32, group: i32, value: i32): void {
  const end = i32At(m, value + V_END);
  const last = i32At(m, group + G_HITS_END);
  let hit = i32At(m, group + G_NEXT_HIT);
  while (hit < last && i32At(m, hit) <= end) {
    tryOutputs(m, program, i32At(m, group + G_AUTOMATON), i32At(m, hit + 4), value, i32At(m, hit));
    hit += 8;
  }
  setI32(m, group + G_NEXT_HIT, hit);
}

/** Tries every needle that ends in a state or in a shorter one behind it. */
function tryOutputs(m: Memory, program: i32, automaton: i32, from: i32, value: i32, at: i32): void {
  const accept = i32At(m, automaton + A_ACCEPT);
  let state = from;
  while (state >= 0) {
    const out = i32At(m, automaton + A_OUTS) + (state - accept) * OUT_BYTES;
    const list = i32At(m, out + O_LIST);
    const count = i32At(m, list);
    for (let i = 0; i < count; i++) tryNeedle(m, program, i32At(m, list + 4 + i * 4), value, at);
    state = i32At(m, out + O_NEXT);
  }
}

/** Looks through a whole record as it stands. */
function applyFingerprints(m: Memory, program: i32, from: i32, end: i32): void {
  const masks = i32At(m, program + P_FINGERPRINTS);
  let p = findFingerprint(m, masks, from, end, FLAGS);
  while (p < end) {
    const buckets = i32At(m, FLAGS);
    for (let bucket = 0; bucket < 8; bucket++) {
      if (((buckets >> bucket) & 1) === 0) continue;
      const list = i32At(m, masks + FINGERPRINT_MASKS + bucket * 4);
      const count = i32At(m, list);
      for (let i = 0; i < count; i++) tryRaw(m, program, i32At(m, list + 4 + i * 4), p, from, end);
    }
    p = findFingerprint(m, masks, p + 1, end, FLAGS);
  }
}

function tryRaw(m: Memory, program: i32, needle: i32, at: i32, start: i32, end: i32): void {
  const block = needleBlock(m, program, needle);
  const epoch = i32At(m, program + P_EPOCH);
  const from = at - i32At(m, block + D_BACK);
  const length = i32At(m, block + D_LENGTH);
  if (i32At(m, block + D_EPOCH) === epoch || from < start || from + length > end) return;
  if (!sameFolded(m, from, i32At(m, block + D_TEXT), length)) return;
  if (i32At(m, block + D_ANCHOR) === ESCAPE && !isTelling(m, program, start, from, end)) return;
  setI32(m, block + D_EPOCH, epoch);
  stampAll(m, program, i32At(m, block + D_LEAVES));
}

function needleBlock(m: Memory, program: i32, needle: i32): i32 {
  return i32At(m, program + P_NEEDLES) + needle * NEEDLE_BYTES;
}

/** Stamps a needle's leaves where it really stands at the position reported, in the field it is about. */
function tryNeedle(m: Memory, program: i32, needle: i32, value: i32, at: i32): void {
  const block = needleBlock(m, program, needle);
  const epoch = i32At(m, program + P_EPOCH);
  if (i32At(m, block + D_EPOCH) === epoch || i32At(m, block + D_FIELD) !== i32At(m, value + V_FIELD)) return;
  const start = i32At(m, value + V_START);
  const end = i32At(m, value + V_END);
  const length = i32At(m, block + D_LENGTH);
  const anchor = i32At(m, block + D_ANCHOR);
  const from = placeOf(m, block, start, end, at);
  if (from < start || from + length > end || (anchor === EXACT && end - start !== length)) return;
  if (!sameBytes(m, from, i32At(m, block + D_TEXT), length)) return;
  const cased = i32At(m, block + D_CASED);
  if (cased !== 0 && !sameBytes(m, from + CASED, cased, length)) return;
  if (anchor === ESCAPE && !isTelling(m, program, start, from, end)) return;
  setI32(m, block + D_EPOCH, epoch);
  stampAll(m, program, i32At(m, block + D_LEAVES));
}

/** Where a needle must begin: by its anchor, or by the position at which it was reported. */
function placeOf(m: Memory, block: i32, start: i32, end: i32, at: i32): i32 {
  const anchor = i32At(m, block + D_ANCHOR);
  if (anchor === SUFFIX) return end - i32At(m, block + D_LENGTH);
  return anchor === PREFIX || anchor === EXACT ? start : at - i32At(m, block + D_BACK);
}

/** Whether the `\u` at a position is an escape, of a character that needles hold or that could fold into one. */
function isTelling(m: Memory, program: i32, start: i32, at: i32, end: i32): boolean {
  let p = at;
  while (p > start && u8At(m, p - 1) === 0x5c) p--;
  if (((at - p) & 1) === 1) return false;
  const unit = at + 6 <= end ? hexUnit(m, at + 2) : -1;
  if (unit >= 0 && unit < 0x80) return u8At(m, i32At(m, program + P_TELLING) + unit) !== 0;
  return unit === 0x130 || unit === 0x17f || unit === 0x212a;
}

/** Stamps the leaves of a list: each entry is a leaf and, lowest, whether it is sure of it. */
function stampAll(m: Memory, program: i32, list: i32): void {
  const count = i32At(m, list);
  for (let i = 0; i < count; i++) stamp(m, program, i32At(m, list + 4 + i * 4));
}

function stamp(m: Memory, program: i32, entry: i32): void {
  const leaf = i32At(m, program + P_LEAVES) + (entry >> 1) * LEAF_BYTES;
  const epoch = i32At(m, program + P_EPOCH);
  if ((entry & 1) === 1) setI32(m, leaf + L_SURE, epoch);
  if (i32At(m, leaf + L_SEEN) === epoch) return;
  setI32(m, leaf + L_SEEN, epoch);
  const rules = i32At(m, leaf + L_RULES);
  const count = i32At(m, rules);
  for (let i = 0; i < count; i++) wake(m, program, i32At(m, rules + 4 + i * 4));
}

function wake(m: Memory, program: i32, rule: i32): void {
  const block = i32At(m, program + P_RULES) + rule * RULE_BYTES;
  const epoch = i32At(m, program + P_EPOCH);
  if (i32At(m, block + R_EPOCH) === epoch) return;
  setI32(m, block + R_EPOCH, epoch);
  const count = i32At(m, program + P_TOUCHED_COUNT);
  setI32(m, i32At(m, program + P_TOUCHED) + count * 4, rule);
  setI32(m, program + P_TOUCHED_COUNT, count + 1);
}
