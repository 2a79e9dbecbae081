/**
 * Runs automata over folded text: over all values of a group at once for needles anywhere in them, in four streams whose table loads
 * overlap; and along one value from its start or its end for anchored needles, until no needle can follow. What they report is checked
 * in `verdict.ts`: tables are cut short where a needle is already alone.
 */
import {
  A_ACCEPT,
  A_CLASSES,
  A_ROOT,
  A_TABLE,
  G_AUTOMATON,
  G_BUFFER,
  G_COUNT,
  G_HITS,
  G_HITS_END,
  G_LENGTH,
  G_VALUES,
  ROW_SHIFT,
  V_START,
  VALUE_BYTES,
} from './layout.data.ts';
import { type i32, i32At, type Memory, moveBytes, setI32, u8At, u16At } from './memory.ts';

/** Positions and states of all hits of a group's buffer, in order. */
export function runGroup(m: Memory, group: i32): void {
  const automaton = i32At(m, group + G_AUTOMATON);
  const hits = i32At(m, group + G_HITS);
  setI32(m, group + G_HITS_END, hits);
  const count = i32At(m, group + G_COUNT);
  if (automaton === 0 || count === 0) return;
  const buffer = i32At(m, group + G_BUFFER);
  const length = i32At(m, group + G_LENGTH);
  const a = cutAt(m, group, buffer + (length >> 2));
  const b = cutAt(m, group, buffer + (length >> 1));
  const c = cutAt(m, group, buffer + (length >> 1) + (length >> 2));
  runStreams(m, automaton, group, buffer, a, b, c, buffer + length);
}

/** Start of the first value that begins at or behind a position; the buffer's end where none does. */
function cutAt(m: Memory, group: i32, at: i32): i32 {
  const values = i32At(m, group + G_VALUES);
  let low = 0;
  let high = i32At(m, group + G_COUNT);
  while (low < high) {
    const middle = (low + high) >> 1;
    if (i32At(m, values + middle * VALUE_BYTES + V_START) < at) low = middle + 1;
    else high = middle;
  }
  if (low === i32At(m, group + G_COUNT)) return i32At(m, group + G_BUFFER) + i32At(m, group + G_LENGTH);
  return i32At(m, values + low * VALUE_BYTES + V_START);
}

/** Stream k writes where its stretch begins, eight bytes per byte of text, so that no stream can run into the next. */
function runStreams(m: Memory, automaton: i32, group: i32, from: i32, a: i32, b: i32, c: i32, end: i32): void {
  const classes = i32At(m, automaton + A_CLASSES);
  const table = i32At(m, automaton + A_TABLE);
  const below = i32At(m, automaton + A_ACCEPT) - 1;
  const root = i32At(m, automaton + A_ROOT);
  const hits = i32At(m, group + G_HITS);
  const steps = least(least(a - from, b - a), least(c - b, end - c));
  let s0 = root;
  let s1 = root;
  let s2 = root;
  let s3 = root;
  let h0 = hits;
  let h1 = hits + (a - from) * 8;
  let h2 = hits + (b - from) * 8;
  let h3 = hits + (c - from) * 8;
  for (let i = 0; i < steps; i++) {
    s0 = u16At(m, table + (s0 << ROW_SHIFT) + (u8At(m, classes + u8At(m, from + i)) << 1));
    s1 = u16At(m, table + (s1 << ROW_SHIFT) + (u8At(m, classes + u8At(m, a + i)) << 1));
    s2 = u16At(m, table + (s2 << ROW_SHIFT) + (u8At(m, classes + u8At(m, b + i)) << 1));
    s3 = u16At(m, table + (s3 << ROW_SHIFT) + (u8At(m, classes + u8At(m, c + i)) << 1));
    // One branch for all four: a difference below zero is an accepting state.
    if (((below - s0) | (below - s1) | (below - s2) | (below - s3)) < 0) {
      if (s0 > below) h0 = putHit(m, h0, from + i, s0);
      if (s1 > below) h1 = putHit(m, h1, a + i, s1);
      if (s2 > below) h2 = putHit(m, h2, b + i, s2);
      if (s3 > below) h3 = putHit(m, h3, c + i, s3);
    }
  }
  h0 = runRest(m, automaton, from + steps, a, s0, h0);
  h1 = runRest(m, automaton, a + steps, b, s1, h1);
  h2 = runRest(m, automaton, b + steps, c, s2, h2);
  h3 = runRest(m, automaton, c + steps, end, s3, h3);
  let to = joinHits(m, h0, hits + (a - from) * 8, h1);
  to = joinHits(m, to, hits + (b - from) * 8, h2);
  to = joinHits(m, to, hits + (c - from) * 8, h3);
  setI32(m, group + G_HITS_END, to);
}

function least(a: i32, b: i32): i32 {
  return a < b ? a : b;
}

function runRest(m: Memory, automaton: i32, from: i32, end: i32, state: i32, hits: i32): i32 {
  const classes = i32At(m, automaton + A_CLASSES);
  const table = i32At(m, automaton + A_TABLE);
  const accept = i32At(m, automaton + A_ACCEPT);
  let s = state;
  let h = hits;
  for (let p = from; p < end; p++) {
    s = u16At(m, table + (s << ROW_SHIFT) + (u8At(m, classes + u8At(m, p)) << 1));
    if (s >= accept) h = putHit(m, h, p, s);
  }
  return h;
}

function putHit(m: Memory, hits: i32, at: i32, state: i32): i32 {
  setI32(m, hits, at + 1);
  setI32(m, hits + 4, state);
  return hits + 8;
}

function joinHits(m: Memory, to: i32, from: i32, end: i32): i32 {
  moveBytes(m, to, from, end - from);
  return to + end - from;
}
