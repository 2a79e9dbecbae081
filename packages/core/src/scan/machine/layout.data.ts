/**
 * Where everything lies in the machine's memory: byte offsets within the control block at address 0 and within the blocks of a
 * program. Written by `encode-program.ts`, read by the machine.
 */
import type { i32 } from './memory.ts';

/** Control block. */
export const STARTS: i32 = 0;
export const ENDS: i32 = 4;
export const BATCH: i32 = 8;
export const LIST: i32 = 12;
export const LIST_COUNT: i32 = 16;
export const OUT_FIRST: i32 = 20;
export const OUT_COUNT: i32 = 24;
export const POOL: i32 = 28;
export const POOL_CAPACITY: i32 = 32;
export const POOL_USED: i32 = 36;
export const DEPTH: i32 = 40;
export const FLAGS: i32 = 44;
export const RAW_COUNT: i32 = 48;
export const RAW: i32 = 52;
export const STACK: i32 = 56;
export const CHUNK_VALUES: i32 = 60;
export const SERIAL: i32 = 64;
export const CONTROL_BYTES: i32 = 128;

/** Program. */
export const P_KEYS: i32 = 0;
export const P_KEY_MASK: i32 = 4;
export const P_NODES: i32 = 8;
export const P_PATHS: i32 = 12;
export const P_PATH_FIELDS: i32 = 16;
export const P_FIELDS: i32 = 20;
export const P_FIELD_PATHS: i32 = 24;
export const P_LISTS: i32 = 28;
export const P_GROUPS: i32 = 32;
export const P_GROUP_COUNT: i32 = 36;
export const P_NEEDLES: i32 = 40;
export const P_LEAVES: i32 = 44;
export const P_LEAF_RULES: i32 = 48;
export const P_RULES: i32 = 52;
export const P_ALWAYS: i32 = 56;
export const P_ALWAYS_COUNT: i32 = 60;
export const P_RAW_FIELD: i32 = 64;
export const P_EPOCH: i32 = 68;
export const P_WALK: i32 = 72;
export const P_TOUCHED: i32 = 76;
export const P_TOUCHED_COUNT: i32 = 80;
export const P_TELLING: i32 = 84;
export const P_FINGERPRINTS: i32 = 88;
export const PROGRAM_BYTES: i32 = 96;

/** Key table entry: hash, node (-1 where empty), address and length of the key. */
export const K_NODE: i32 = 4;
export const K_TEXT: i32 = 8;
export const K_LENGTH: i32 = 12;
export const KEY_BYTES: i32 = 16;

/** Node: parent, path (-1 where it is none's end), whether it has children, serial of the object that last held it. */
export const N_PARENT: i32 = 0;
export const N_PATH: i32 = 4;
export const N_CHILDREN: i32 = 8;
export const N_SERIAL: i32 = 12;
export const NODE_BYTES: i32 = 16;

/** Path of a node that makes its record unusual. */
export const UNUSUAL: i32 = -2;

/** Path: walk and node it was last found in, first and number of its fields. */
export const T_WALK: i32 = 0;
export const T_NODE: i32 = 4;
export const T_FIRST: i32 = 8;
export const T_COUNT: i32 = 12;
export const PATH_BYTES: i32 = 16;

/** Field. */
export const F_EPOCH: i32 = 0;
export const F_NULL: i32 = 4;
export const F_FIRST_PATH: i32 = 8;
export const F_PATHS: i32 = 12;
export const F_GROUP: i32 = 16;
export const F_FORWARD: i32 = 20;
export const F_BACKWARD: i32 = 24;
export const F_ON_VALUE: i32 = 28;
export const F_ON_DASH: i32 = 32;
export const F_ON_WIDE: i32 = 36;
export const F_ON_OPAQUE: i32 = 40;
export const F_BYTES: i32 = 44;
export const FIELD_BYTES: i32 = 48;

/** Group: fields whose text is searched by one automaton (0: none), with its buffer, values and hits. */
export const G_AUTOMATON: i32 = 0;
export const G_BUFFER: i32 = 4;
export const G_LENGTH: i32 = 8;
export const G_VALUES: i32 = 12;
export const G_COUNT: i32 = 16;
export const G_HITS: i32 = 20;
export const G_HITS_END: i32 = 24;
export const G_SAVED_LENGTH: i32 = 28;
export const G_SAVED_COUNT: i32 = 32;
export const G_NEXT_VALUE: i32 = 36;
export const G_NEXT_HIT: i32 = 40;
export const GROUP_BYTES: i32 = 48;

/** Value: ordinal of its record in the list, field, first byte and end in the buffer, flags. */
export const V_FIELD: i32 = 4;
export const V_START: i32 = 8;
export const V_END: i32 = 12;
export const V_FLAGS: i32 = 16;
export const VALUE_BYTES: i32 = 20;

/** Flags of a value. */
export const WIDE: i32 = 1;
export const DASH: i32 = 2;
export const OPAQUE: i32 = 4;
export const NULL: i32 = 8;
export const COMPOSITE: i32 = 16;
export const TEXTLESS: i32 = 32;

/** Automaton. */
export const A_CLASSES: i32 = 0;
export const A_TABLE: i32 = 4;
export const A_ACCEPT: i32 = 12;
export const A_OUTS: i32 = 16;
export const A_ROOT: i32 = 20;
export const A_TRAP: i32 = 24;
export const AUTOMATON_BYTES: i32 = 32;

/** A row of the table has 64 states of two bytes. */
export const ROW_SHIFT: i32 = 7;

/** Outputs of an accepting state: address of its list of needles (0: none of its own), next accepting state down the failure links (-1: none). */
export const O_LIST: i32 = 0;
export const O_NEXT: i32 = 4;
export const OUT_BYTES: i32 = 8;

/** Needle: text, its length, bytes from its start to where the automaton reports it, how it is anchored, field, list of leaves, epoch of its last hit, text in its own case (0: any case will do). */
export const D_TEXT: i32 = 0;
export const D_LENGTH: i32 = 4;
export const D_BACK: i32 = 8;
export const D_ANCHOR: i32 = 12;
export const D_FIELD: i32 = 16;
export const D_LEAVES: i32 = 20;
export const D_EPOCH: i32 = 24;
export const D_CASED: i32 = 28;
export const NEEDLE_BYTES: i32 = 32;

/** Fingerprints: masks of low and high nibbles for each of four bytes, then for each of eight buckets the list of its needles. */
export const FINGERPRINT_MASKS: i32 = 128;
export const FINGERPRINTS_BYTES: i32 = 160;

/** Anchors of a needle. */
export const INSIDE: i32 = 0;
export const PREFIX: i32 = 1;
export const SUFFIX: i32 = 2;
export const EXACT: i32 = 3;
export const ESCAPE: i32 = 4;

/** Leaf: epochs in which it was seen and was sure, list of rules that it wakes. */
export const L_SEEN: i32 = 0;
export const L_SURE: i32 = 4;
export const L_RULES: i32 = 8;
export const LEAF_BYTES: i32 = 12;

/** Rule: epoch in which it was woken, first instruction. */
export const R_EPOCH: i32 = 0;
export const R_CODE: i32 = 4;
export const RULE_BYTES: i32 = 8;

/** Instruction: what is tested, of what, where to go when it may hold and when it cannot. */
export const I_ARGUMENT: i32 = 4;
export const I_THEN: i32 = 8;
export const I_ELSE: i32 = 12;
export const INSTRUCTION_BYTES: i32 = 16;
export const ACCEPT: i32 = -1;
export const REJECT: i32 = -2;

/** Tests of an instruction. */
export const TEST_SEEN: i32 = 0;
export const TEST_NOT_SURE: i32 = 1;
export const TEST_EXISTS: i32 = 2;
export const TEST_NULL: i32 = 3;

/** Bounds of the machine. */
export const MAX_DEPTH: i32 = 64;
export const MAX_RAW_VALUES: i32 = 4096;
export const RAW_BYTES: i32 = 16;
export const FRAME_BYTES: i32 = 12;
export const MAX_RECORD_BYTES: i32 = 262144;
export const MAX_CHUNK_BYTES: i32 = 98304;
export const MAX_CHUNK_VALUES: i32 = 8192;
export const MAX_RECORD_VALUES: i32 = 8192;
export const MAX_CHUNK_RECORDS: i32 = 512;
export const BUFFER_BYTES: i32 = 524288;
/** From a byte of folded text in a group's buffer to the same byte as it was. */
export const CASED: i32 = 524288;
export const GROUP_VALUES: i32 = 16384;
/** Result of a record that every rule must judge. */
export const ALL_RULES: i32 = -1;
