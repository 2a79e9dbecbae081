/** The key dictionary of a program: every way in which the paths of its fields can be spelled in a record, as one hash table of (parent, key). */
import {
  K_LENGTH,
  K_NODE,
  K_TEXT,
  KEY_BYTES,
  N_CHILDREN,
  N_PARENT,
  N_PATH,
  NODE_BYTES,
  P_FIELD_PATHS,
  P_KEY_MASK,
  P_KEYS,
  P_NODES,
  P_PATH_FIELDS,
  P_PATHS,
  PATH_BYTES,
  T_COUNT,
  T_FIRST,
  UNUSUAL,
} from './machine/layout.ts';
import { hashKey } from './machine/walk.ts';
import type { ScanPlan } from './scan-plan.ts';
import type { TableMemory } from './table-memory.ts';

/** Paths with more parts have too many spellings. */
export const MAX_SPELLED_PARTS = 6;

interface KeyNode {
  readonly parent: number;
  readonly key: string;
  path: number;
  hasChildren: boolean;
}

/** Writes dictionary, nodes and paths, and their addresses into the program. */
export function encodeKeys(plan: ScanPlan, memory: TableMemory, program: number): void {
  const paths = [...new Set(plan.fields.flatMap((field) => field.paths))];
  const nodes = collectNodes(paths, plan.unusualKeys);
  const table = memory.allocate(nodes.length * NODE_BYTES);
  for (const [index, { parent, path, hasChildren }] of nodes.entries()) {
    const at = (table + index * NODE_BYTES) >> 2;
    memory.words[at + (N_PARENT >> 2)] = parent;
    memory.words[at + (N_PATH >> 2)] = path;
    memory.words[at + (N_CHILDREN >> 2)] = hasChildren ? 1 : 0;
  }
  memory.words[(program + P_NODES) >> 2] = table;
  encodeTable(nodes, memory, program);
  encodePaths(plan, paths, { memory, program });
}

/** Node 0 is the record itself. */
function collectNodes(paths: readonly string[], unusualKeys: readonly string[]): KeyNode[] {
  const nodes: KeyNode[] = [{ parent: -1, key: '', path: -1, hasChildren: true }];
  const known = new Map<string, number>();
  const child = (parent: number, key: string): number => {
    const name = `${parent} ${key}`;
    const found = known.get(name);
    if (found !== undefined) return found;
    known.set(name, nodes.length);
    nodes.push({ parent, key, path: -1, hasChildren: false });
    (nodes[parent] as KeyNode).hasChildren = true;
    return nodes.length - 1;
  };
  const spell = (node: number, parts: readonly string[], path: number): void => {
    if (parts.length === 0) (nodes[node] as KeyNode).path = path;
    for (let taken = 1; taken <= parts.length; taken++) spell(child(node, parts.slice(0, taken).join('.')), parts.slice(taken), path);
  };
  for (const [index, path] of paths.entries()) spell(0, path.split('.'), index);
  for (const key of unusualKeys) (nodes[child(0, key)] as KeyNode).path = UNUSUAL;
  return nodes;
}

function encodeTable(nodes: readonly KeyNode[], memory: TableMemory, program: number): void {
  const encoder = new TextEncoder();
  let capacity = 16;
  while (capacity < nodes.length * 4) capacity *= 2;
  const keys = nodes.slice(1).map(({ key }) => encoder.encode(key));
  const texts = keys.map((key) => memory.putBytes(key));
  const table = memory.allocate(capacity * KEY_BYTES);
  for (let slot = 0; slot < capacity; slot++) memory.words[(table + slot * KEY_BYTES + K_NODE) >> 2] = -1;
  for (const [index, text] of texts.entries()) {
    const length = (keys[index] as Uint8Array).length;
    const hash = hashKey(memory, (nodes[index + 1] as KeyNode).parent, text, length);
    let slot = hash & (capacity - 1);
    while ((memory.words[(table + slot * KEY_BYTES + K_NODE) >> 2] as number) >= 0) slot = (slot + 1) & (capacity - 1);
    const at = (table + slot * KEY_BYTES) >> 2;
    memory.words[at] = hash;
    memory.words[at + (K_NODE >> 2)] = index + 1;
    memory.words[at + (K_TEXT >> 2)] = text;
    memory.words[at + (K_LENGTH >> 2)] = length;
  }
  memory.words[(program + P_KEYS) >> 2] = table;
  memory.words[(program + P_KEY_MASK) >> 2] = capacity - 1;
}

function encodePaths(plan: ScanPlan, paths: readonly string[], { memory, program }: { memory: TableMemory; program: number }): void {
  const numbers = new Map(paths.map((path, index) => [path, index]));
  const fieldPaths = plan.fields.flatMap((field) => field.paths.map((path) => numbers.get(path) as number));
  const pathFields = paths.map((path) => plan.fields.flatMap((field, index) => (field.paths.includes(path) ? [index] : [])));
  const table = memory.allocate(paths.length * PATH_BYTES);
  let first = 0;
  for (const [index, fields] of pathFields.entries()) {
    const at = (table + index * PATH_BYTES) >> 2;
    memory.words[at + (T_FIRST >> 2)] = first;
    memory.words[at + (T_COUNT >> 2)] = fields.length;
    first += fields.length;
  }
  memory.words[(program + P_PATHS) >> 2] = table;
  memory.words[(program + P_PATH_FIELDS) >> 2] = memory.putWords(pathFields.flat());
  memory.words[(program + P_FIELD_PATHS) >> 2] = memory.putWords(fieldPaths);
}
