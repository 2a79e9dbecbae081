/** Writes a plan as the tables of one program into a scanner's memory. Offsets are in `machine/layout.data.ts`. */
import { type AutomatonNeedle, buildAutomaton } from './build-automaton.ts';
import { codeOf, witnessOf } from './condition-code.ts';
import { encodeFingerprints, fingerprinted } from './encode-fingerprints.ts';
import { encodeKeys } from './encode-keys.ts';
import {
  A_ACCEPT,
  A_CLASSES,
  A_OUTS,
  A_ROOT,
  A_TABLE,
  A_TRAP,
  AUTOMATON_BYTES,
  D_ANCHOR,
  D_BACK,
  D_FIELD,
  D_LEAVES,
  D_LENGTH,
  D_TEXT,
  EXACT,
  F_BACKWARD,
  F_BYTES,
  F_FIRST_PATH,
  F_FORWARD,
  F_GROUP,
  F_ON_DASH,
  F_ON_OPAQUE,
  F_ON_VALUE,
  F_ON_WIDE,
  F_PATHS,
  FIELD_BYTES,
  G_AUTOMATON,
  G_BUFFER,
  G_HITS,
  G_VALUES,
  GROUP_BYTES,
  I_ARGUMENT,
  I_ELSE,
  I_THEN,
  INSIDE,
  INSTRUCTION_BYTES,
  L_RULES,
  LEAF_BYTES,
  NEEDLE_BYTES,
  P_ALWAYS,
  P_ALWAYS_COUNT,
  P_FIELDS,
  P_GROUP_COUNT,
  P_GROUPS,
  P_LEAVES,
  P_NEEDLES,
  P_RAW_FIELD,
  P_RULES,
  P_TELLING,
  P_TOUCHED,
  PREFIX,
  PROGRAM_BYTES,
  R_CODE,
  RULE_BYTES,
  SUFFIX,
} from './machine/layout.data.ts';
import { expectedHits, type MergedNeedle, mergeNeedles } from './merge-needles.ts';
import type { ScanPlan, ValueTrigger } from './scan-plan.ts';
import type { TableMemory } from './table-memory.ts';

/** Buffers of one group, shared by the programs of a scanner: one runs at a time. */
export interface GroupScratch {
  readonly buffer: number;
  readonly values: number;
  readonly hits: number;
}

/** Where a program is written, and with what. */
export interface Encoder {
  readonly memory: TableMemory;
  /** Scratch of the group with this number. */
  readonly scratch: (group: number) => GroupScratch;
}

/** A field with more needles inside it than this has an automaton of its own. */
const OWN_AUTOMATON = 200;
const MAX_OWN = 3;

/** Address of the program. */
export function encodeProgram(plan: ScanPlan, encoder: Encoder): number {
  const { memory } = encoder;
  const program = memory.allocate(PROGRAM_BYTES);
  const needles = mergeNeedles(plan);
  const lists = createLists(memory);
  const rawField = plan.fields.findIndex(({ paths }) => paths.length === 0);
  const isFingerprinted = fingerprinted(needles, rawField);
  const hasFingerprint = (needle: MergedNeedle): boolean => isFingerprinted && needle.field === rawField;
  encodeKeys(plan, memory, program);
  const groups = groupFields(
    plan,
    needles.filter((needle) => !hasFingerprint(needle)),
  );
  const needleTable = encodeNeedles(needles, memory, lists);
  const backs = new Map<number, number>();
  encodeGroups(
    { plan, needles: needles.map((needle) => (hasFingerprint(needle) ? { ...needle, anchor: NOWHERE } : needle)), groups, backs },
    encoder,
    program,
  );
  if (isFingerprinted) encodeFingerprints(needles, rawField, { memory, lists, backs, program });
  for (const [needle, back] of backs) memory.setWord(needleTable + needle * NEEDLE_BYTES + D_BACK, back);
  memory.setWord(program + P_NEEDLES, needleTable);
  encodeFields({ plan, needles, groups, backs, isFingerprinted }, { memory, lists }, program);
  encodeRules(plan, needles, { memory, lists, program });
  return program;
}

type PutList = (entries: readonly number[]) => number;

/** Lists are a count and their entries; equal ones are written once. */
function createLists(memory: TableMemory): PutList {
  const known = new Map<string, number>();
  return (entries) => {
    const key = entries.join(' ');
    const at = known.get(key) ?? memory.putWords([entries.length, ...entries]);
    known.set(key, at);
    return at;
  };
}

interface Parts {
  readonly plan: ScanPlan;
  readonly needles: readonly MergedNeedle[];
  /** Group of each field. */
  readonly groups: readonly number[];
  /** Needle → bytes from its start to where it is reported. */
  readonly backs: Map<number, number>;
}

/** Anchor of needles that no automaton is for. */
const NOWHERE = -1;

const isInside = ({ anchor, bytes }: MergedNeedle): boolean => (anchor === INSIDE || anchor > EXACT) && bytes.length > 1;

/** Group 0 has no automaton; fields with many needles have a group each, all others share one. */
function groupFields(plan: ScanPlan, needles: readonly MergedNeedle[]): number[] {
  const counts = plan.fields.map(() => 0);
  for (const needle of needles) if (isInside(needle)) counts[needle.field] = (counts[needle.field] as number) + 1;
  const own = counts
    .flatMap((count, field) => (count > OWN_AUTOMATON ? [field] : []))
    .sort((a, b) => (counts[b] as number) - (counts[a] as number))
    .slice(0, MAX_OWN);
  const hasShared = counts.some((count, field) => count > 0 && !own.includes(field));
  return counts.map((count, field) => {
    if (count === 0) return 0;
    return own.includes(field) ? own.indexOf(field) + 1 + (hasShared ? 1 : 0) : 1;
  });
}

function encodeNeedles(needles: readonly MergedNeedle[], memory: TableMemory, lists: PutList): number {
  const table = memory.allocate(needles.length * NEEDLE_BYTES, 32);
  for (const [index, needle] of needles.entries()) {
    const words = { [D_TEXT]: memory.putBytes(needle.bytes), [D_LENGTH]: needle.bytes.length, [D_BACK]: 1, [D_ANCHOR]: needle.anchor };
    setWords(memory, table + index * NEEDLE_BYTES, { ...words, [D_FIELD]: needle.field, [D_LEAVES]: lists(needle.leaves) });
  }
  return table;
}

function encodeGroups({ needles, groups, backs }: Parts, { memory, scratch }: Encoder, program: number): void {
  const count = Math.max(0, ...groups) + 1;
  const table = memory.allocate(count * GROUP_BYTES);
  for (let group = 0; group < count; group++) {
    const members = needles.flatMap((needle, index) =>
      isInside(needle) && groups[needle.field] === group ? [{ needle: index, bytes: needle.bytes }] : [],
    );
    const { buffer, values, hits } = scratch(group);
    const automaton = members.length === 0 ? 0 : encodeAutomaton(members, memory, { kind: 'inside', backs });
    setWords(memory, table + group * GROUP_BYTES, { [G_AUTOMATON]: automaton, [G_BUFFER]: buffer, [G_VALUES]: values, [G_HITS]: hits });
  }
  setWords(memory, program, { [P_GROUPS]: table, [P_GROUP_COUNT]: count });
}

function encodeAutomaton(
  needles: readonly AutomatonNeedle[],
  memory: TableMemory,
  { kind, backs }: { kind: 'inside' | 'along'; backs: Map<number, number> },
): number {
  const { classes, table, accept, root, trap, outputs, reported } = buildAutomaton(needles, kind);
  const at = memory.allocate(AUTOMATON_BYTES);
  const tableAt = memory.allocate(table.byteLength, 128);
  memory.halves.set(table, tableAt >> 1);
  const lists = createLists(memory);
  const outs = memory.putWords(outputs.flatMap(({ needles: own, next }) => [lists(own), next]));
  setWords(memory, at, { [A_CLASSES]: memory.putBytes(classes), [A_TABLE]: tableAt, [A_ACCEPT]: accept });
  setWords(memory, at, { [A_OUTS]: outs, [A_ROOT]: root, [A_TRAP]: trap });
  if (kind === 'inside') for (const [needle, length] of reported) backs.set(needle, length);
  return at;
}

function encodeFields(
  { plan, needles, groups, backs, isFingerprinted }: Parts & { isFingerprinted: boolean },
  into: { memory: TableMemory; lists: PutList },
  program: number,
): void {
  const { memory, lists } = into;
  const table = memory.allocate(plan.fields.length * FIELD_BYTES);
  const triggers = (field: number, on: ValueTrigger): number =>
    lists(plan.triggers.filter((one) => one.field === field && one.on === on).map(({ leaf, isSure }) => leaf * 2 + (isSure ? 1 : 0)));
  const trie = (field: number, anchors: readonly number[]): number => {
    const members = needles.flatMap((needle, index) =>
      needle.field === field && anchors.includes(needle.anchor)
        ? [{ needle: index, bytes: needle.anchor === SUFFIX ? needle.bytes.toReversed() : needle.bytes }]
        : [],
    );
    return members.length === 0 ? 0 : encodeAutomaton(members, memory, { kind: 'along', backs });
  };
  let firstPath = 0;
  for (const [field, { paths }] of plan.fields.entries()) {
    const at = table + field * FIELD_BYTES;
    setWords(memory, at, { [F_FIRST_PATH]: firstPath, [F_PATHS]: paths.length, [F_GROUP]: groups[field] as number });
    setWords(memory, at, { [F_FORWARD]: trie(field, [PREFIX, EXACT]), [F_BACKWARD]: trie(field, [SUFFIX]) });
    setWords(memory, at, {
      [F_ON_VALUE]: triggers(field, 'value'),
      [F_ON_DASH]: triggers(field, 'dash'),
      [F_ON_WIDE]: triggers(field, 'wide'),
    });
    const single = needles.flatMap((needle, index) =>
      needle.field === field && needle.anchor === INSIDE && needle.bytes.length === 1 ? [index] : [],
    );
    const opaque = plan.leaves.flatMap((one, leaf) => (one === field ? [leaf * 2] : []));
    setWords(memory, at, { [F_ON_OPAQUE]: lists(opaque), [F_BYTES]: lists(single) });
    firstPath += paths.length;
  }
  const rawField = plan.fields.findIndex(({ paths }) => paths.length === 0);
  setWords(memory, program, {
    [P_FIELDS]: table,
    [P_RAW_FIELD]: isFingerprinted ? -1 : rawField,
    [P_TELLING]: memory.putBytes(tellingBytes(needles, rawField)),
  });
}

/** Which ASCII characters the needles over whole records hold, by code, in either case. */
function tellingBytes(needles: readonly MergedNeedle[], rawField: number): Uint8Array {
  const telling = new Uint8Array(128);
  for (const { field, anchor, bytes } of needles) {
    if (field !== rawField || anchor > EXACT) continue;
    for (const byte of bytes) if (byte < 128) telling[byte] = 1;
  }
  for (let letter = 0x61; letter <= 0x7a; letter++) telling[letter - 32] = telling[letter] as number;
  return telling;
}

function encodeRules(
  plan: ScanPlan,
  needles: readonly MergedNeedle[],
  { memory, lists, program }: { memory: TableMemory; lists: PutList; program: number },
): void {
  const costs = expectedHits(plan, needles);
  const rulesOf = plan.leaves.map((): number[] => []);
  const always: number[] = [];
  const rules = memory.allocate(plan.rules.length * RULE_BYTES);
  for (const [rule, condition] of plan.rules.entries()) {
    const witness = witnessOf(condition, (leaf) => costs[leaf] as number);
    if (witness === undefined) always.push(rule);
    else for (const leaf of witness.leaves) rulesOf[leaf]?.push(rule);
    const { instructions, entry } = codeOf(condition);
    const code = memory.allocate(instructions.length * INSTRUCTION_BYTES);
    const target = (index: number): number => (index < 0 ? index : code + index * INSTRUCTION_BYTES);
    for (const [index, { test, argument, yes, no }] of instructions.entries())
      setWords(memory, target(index), { 0: test, [I_ARGUMENT]: argument, [I_THEN]: target(yes), [I_ELSE]: target(no) });
    setWords(memory, rules + rule * RULE_BYTES, { [R_CODE]: target(entry) });
  }
  const leaves = memory.allocate(plan.leaves.length * LEAF_BYTES);
  for (const [leaf, woken] of rulesOf.entries()) setWords(memory, leaves + leaf * LEAF_BYTES, { [L_RULES]: lists(woken) });
  setWords(memory, program, { [P_RULES]: rules, [P_LEAVES]: leaves, [P_TOUCHED]: memory.allocate(plan.rules.length * 4) });
  setWords(memory, program, { [P_ALWAYS]: memory.putWords(always), [P_ALWAYS_COUNT]: always.length });
}

/** Writes words by their offset from an address. */
function setWords(memory: TableMemory, at: number, words: Readonly<Record<number, number>>): void {
  for (const [offset, word] of Object.entries(words)) memory.setWord(at + Number(offset), word);
}
