/** Writes a plan as the tables of one program. Offsets are in `machine/layout.data.ts`; what a scanner adds when it takes the program in is in `create-scanner.ts`. */
import { type AutomatonNeedle, buildAutomaton } from './build-automaton.ts';
import { codeOf, witnessOf } from './condition-code.ts';
import { encodeFingerprints, fingerprinted } from './encode-fingerprints.ts';
import { encodeKeys } from './encode-keys.ts';
import { ImageMemory, type ProgramImage } from './image-memory.ts';
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
  D_CASED,
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
  GROUP_BYTES,
  I_ARGUMENT,
  I_ELSE,
  I_THEN,
  INSTRUCTION_BYTES,
  L_RULES,
  LEAF_BYTES,
  NEEDLE_BYTES,
  O_LIST,
  O_NEXT,
  OUT_BYTES,
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
import type { ScanCondition, ScanPlan, ValueTrigger } from './scan-plan.ts';

/** A field with more needles inside it than this has an automaton of its own. */
const OWN_AUTOMATON = 200;
const MAX_OWN = 3;

/** The program of a plan: it begins with its control block. */
export function encodeProgram(plan: ScanPlan): ProgramImage {
  const memory = new ImageMemory();
  const program = memory.allocate(PROGRAM_BYTES);
  const needles = mergeNeedles(plan);
  const lists = createLists(memory);
  const rawField = plan.fields.findIndex(({ paths }) => paths.length === 0);
  const isFingerprinted = fingerprinted(needles, rawField);
  encodeKeys(plan, memory, program);
  const members = needlesByField(plan, needles, isFingerprinted ? rawField : -1);
  const groups = groupFields(members);
  const parts: Parts = { plan, needles, members, groups, backs: new Map(), rawField: isFingerprinted ? -1 : rawField };
  const needleTable = encodeNeedles(needles, memory, lists);
  encodeGroups(parts, memory, program);
  if (isFingerprinted) encodeFingerprints(needles, rawField, { memory, lists, backs: parts.backs, program });
  for (const [needle, back] of parts.backs) memory.setWord(needleTable + needle * NEEDLE_BYTES + D_BACK, back);
  memory.setLink(program + P_NEEDLES, needleTable);
  encodeFields(parts, { memory, lists }, program);
  memory.setLink(program + P_TELLING, memory.putBytes(tellingBytes(needles, rawField)));
  encodeRules(plan, needles, { memory, lists, program });
  return memory.image();
}

type PutList = (entries: readonly number[]) => number;

/** Lists are a count and their entries; equal ones are written once. */
function createLists(memory: ImageMemory): PutList {
  const known = new Map<string, number>();
  return (entries) => {
    const key = entries.length === 0 ? '' : entries.join(' ');
    const at = known.get(key) ?? memory.putWords([entries.length, ...entries]);
    known.set(key, at);
    return at;
  };
}

/** The needles of one field that an automaton is for, by where they are sought. */
interface FieldNeedles {
  readonly inside: AutomatonNeedle[];
  readonly forward: AutomatonNeedle[];
  readonly backward: AutomatonNeedle[];
  /** Those of one byte, which are looked for by themselves. */
  readonly single: number[];
}

interface Parts {
  readonly plan: ScanPlan;
  readonly needles: readonly MergedNeedle[];
  readonly members: readonly FieldNeedles[];
  /** Group of each field. */
  readonly groups: readonly number[];
  /** Needle → bytes from its start to where it is reported. */
  readonly backs: Map<number, number>;
  /** Field that is the whole record and is searched like others, -1 where there is none. */
  readonly rawField: number;
}

/** Needles of each field, but those of the field that has fingerprints. */
function needlesByField(plan: ScanPlan, needles: readonly MergedNeedle[], fingerprintedField: number): FieldNeedles[] {
  const members = plan.fields.map((): FieldNeedles => ({ inside: [], forward: [], backward: [], single: [] }));
  for (const [needle, { field, anchor, bytes }] of needles.entries()) {
    const own = members[field];
    if (own === undefined || field === fingerprintedField) continue;
    if (anchor === SUFFIX) own.backward.push({ needle, bytes: bytes.toReversed() });
    else if (anchor === PREFIX || anchor === EXACT) own.forward.push({ needle, bytes });
    else if (bytes.length > 1) own.inside.push({ needle, bytes });
    else own.single.push(needle);
  }
  return members;
}

/** Group 0 has no automaton; fields with many needles have a group each, all others share one. */
function groupFields(members: readonly FieldNeedles[]): number[] {
  const counts = members.map(({ inside }) => inside.length);
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

function encodeNeedles(needles: readonly MergedNeedle[], memory: ImageMemory, lists: PutList): number {
  const table = memory.allocate(needles.length * NEEDLE_BYTES, 32);
  for (const [index, { bytes, cased, anchor, field, leaves }] of needles.entries()) {
    const at = table + index * NEEDLE_BYTES;
    memory.setLink(at + D_TEXT, memory.putBytes(bytes));
    memory.setWord(at + D_LENGTH, bytes.length);
    memory.setWord(at + D_BACK, 1);
    memory.setWord(at + D_ANCHOR, anchor);
    memory.setWord(at + D_FIELD, field);
    memory.setLink(at + D_LEAVES, lists(leaves));
    if (cased !== undefined) memory.setLink(at + D_CASED, memory.putBytes(cased));
  }
  return table;
}

function encodeGroups({ members, groups, backs }: Parts, memory: ImageMemory, program: number): void {
  const count = Math.max(0, ...groups) + 1;
  const table = memory.allocate(count * GROUP_BYTES);
  for (let group = 1; group < count; group++) {
    const inside = members.flatMap((own, field) => (groups[field] === group ? own.inside : []));
    memory.setLink(table + group * GROUP_BYTES + G_AUTOMATON, encodeAutomaton(inside, memory, { kind: 'inside', backs }));
  }
  memory.setLink(program + P_GROUPS, table);
  memory.setWord(program + P_GROUP_COUNT, count);
}

function encodeAutomaton(
  needles: readonly AutomatonNeedle[],
  memory: ImageMemory,
  { kind, backs }: { kind: 'inside' | 'along'; backs: Map<number, number> },
): number {
  if (needles.length === 0) return 0;
  const { classes, table, accept, root, trap, outputs, reported } = buildAutomaton(needles, kind);
  const at = memory.allocate(AUTOMATON_BYTES);
  const tableAt = memory.allocate(table.byteLength, 128);
  memory.halves.set(table, tableAt >> 1);
  const lists = createLists(memory);
  const outs = memory.allocate(outputs.length * OUT_BYTES);
  for (const [index, { needles: own, next }] of outputs.entries()) {
    memory.setLink(outs + index * OUT_BYTES + O_LIST, lists(own));
    memory.setWord(outs + index * OUT_BYTES + O_NEXT, next);
  }
  memory.setLink(at + A_CLASSES, memory.putBytes(classes));
  memory.setLink(at + A_TABLE, tableAt);
  memory.setWord(at + A_ACCEPT, accept);
  memory.setLink(at + A_OUTS, outs);
  memory.setWord(at + A_ROOT, root);
  memory.setWord(at + A_TRAP, trap);
  if (kind === 'inside') for (const [needle, length] of reported) backs.set(needle, length);
  return at;
}

interface Lists {
  readonly memory: ImageMemory;
  readonly lists: PutList;
}

function encodeFields({ plan, members, groups, backs, rawField }: Parts, { memory, lists }: Lists, program: number): void {
  const table = memory.allocate(plan.fields.length * FIELD_BYTES);
  const triggered = stampsByField(plan);
  let firstPath = 0;
  for (const [field, { paths }] of plan.fields.entries()) {
    const at = table + field * FIELD_BYTES;
    const { forward, backward, single } = members[field] as FieldNeedles;
    const { value, dash, wide, opaque } = triggered[field] as FieldStamps;
    memory.setWord(at + F_FIRST_PATH, firstPath);
    memory.setWord(at + F_PATHS, paths.length);
    memory.setWord(at + F_GROUP, groups[field] as number);
    memory.setLink(at + F_FORWARD, encodeAutomaton(forward, memory, { kind: 'along', backs }));
    memory.setLink(at + F_BACKWARD, encodeAutomaton(backward, memory, { kind: 'along', backs }));
    memory.setLink(at + F_ON_VALUE, lists(value));
    memory.setLink(at + F_ON_DASH, lists(dash));
    memory.setLink(at + F_ON_WIDE, lists(wide));
    memory.setLink(at + F_ON_OPAQUE, lists(opaque));
    memory.setLink(at + F_BYTES, lists(single));
    firstPath += paths.length;
  }
  memory.setLink(program + P_FIELDS, table);
  memory.setWord(program + P_RAW_FIELD, rawField);
}

/** Leaves that properties of a field's values stamp; `opaque` are all of its leaves. */
type FieldStamps = Readonly<Record<ValueTrigger | 'opaque', number[]>>;

function stampsByField(plan: ScanPlan): FieldStamps[] {
  const stamps = plan.fields.map((): FieldStamps => ({ value: [], dash: [], wide: [], opaque: [] }));
  for (const { field, on, leaf, isSure } of plan.triggers) stamps[field]?.[on].push(leaf * 2 + (isSure ? 1 : 0));
  for (const [leaf, field] of plan.leaves.entries()) stamps[field]?.opaque.push(leaf * 2);
  return stamps;
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

function encodeRules(plan: ScanPlan, needles: readonly MergedNeedle[], { memory, lists, program }: Lists & { program: number }): void {
  const costs = expectedHits(plan, needles);
  const rulesOf = plan.leaves.map((): number[] => []);
  const always: number[] = [];
  const rules = memory.allocate(plan.rules.length * RULE_BYTES);
  for (const [rule, condition] of plan.rules.entries()) {
    const witness = witnessOf(condition, (leaf) => costs[leaf] as number);
    if (witness === undefined) always.push(rule);
    else for (const leaf of witness.leaves) rulesOf[leaf]?.push(rule);
    memory.setLink(rules + rule * RULE_BYTES + R_CODE, encodeCode(condition, memory));
  }
  const leaves = memory.allocate(plan.leaves.length * LEAF_BYTES);
  for (const [leaf, woken] of rulesOf.entries()) memory.setLink(leaves + leaf * LEAF_BYTES + L_RULES, lists(woken));
  memory.setLink(program + P_RULES, rules);
  memory.setLink(program + P_LEAVES, leaves);
  memory.setLink(program + P_TOUCHED, memory.allocate(plan.rules.length * 4));
  memory.setLink(program + P_ALWAYS, memory.putWords(always));
  memory.setWord(program + P_ALWAYS_COUNT, always.length);
}

/** Where a condition's code begins, or what it comes to without any. */
function encodeCode(condition: ScanCondition, memory: ImageMemory): number {
  const { instructions, entry } = codeOf(condition);
  const code = memory.allocate(instructions.length * INSTRUCTION_BYTES);
  const target = (index: number): number => (index < 0 ? index : code + index * INSTRUCTION_BYTES);
  for (const [index, { test, argument, yes, no }] of instructions.entries()) {
    const at = target(index);
    memory.setWord(at, test);
    memory.setWord(at + I_ARGUMENT, argument);
    memory.setLink(at + I_THEN, target(yes));
    memory.setLink(at + I_ELSE, target(no));
  }
  return target(entry);
}
