/** The key dictionary of a program: every way in which the paths of its fields can be spelled in a record, as one hash table of (parent, key). */
import type { ImageMemory } from './image-memory.ts';
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
} from './machine/layout.data.ts';
import { hashKey } from './machine/walk.ts';
import type { ScanPlan } from './scan-plan.ts';

/** Paths with more parts have too many spellings. */
export const MAX_SPELLED_PARTS = 6;

interface KeyNode {
  readonly parent: number;
  readonly key: string;
  path: number;
  hasChildren: boolean;
}

/** Writes dictionary, nodes and paths, and their addresses into the program. */
export function encodeKeys(plan: ScanPlan, memory: ImageMemory, program: number): void {
  const paths = [...new Set(plan.fields.flatMap((field) => field.paths))];
  const nodes = collectNodes(paths, plan.unusualKeys);
  const table = memory.allocate(nodes.length * NODE_BYTES);
  for (const [index, { parent, path, hasChildren }] of nodes.entries()) {
    const at = table + index * NODE_BYTES;
    memory.setWord(at + N_PARENT, parent);
    memory.setWord(at + N_PATH, path);
    memory.setWord(at + N_CHILDREN, hasChildren ? 1 : 0);
  }
  memory.setLink(program + P_NODES, table);
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

function encodeTable(nodes: readonly KeyNode[], memory: ImageMemory, program: number): void {
  const encoder = new TextEncoder();
  let capacity = 16;
  while (capacity < nodes.length * 4) capacity *= 2;
  const keys = nodes.slice(1).map(({ key }) => encoder.encode(key));
  const texts = keys.map((key) => memory.putBytes(key));
  const table = memory.allocate(capacity * KEY_BYTES);
  for (let slot = 0; slot < capacity; slot++) memory.setWord(table + slot * KEY_BYTES + K_NODE, -1);
  for (const [index, text] of texts.entries()) {
    const length = (keys[index] as Uint8Array).length;
    const hash = hashKey(memory, (nodes[index + 1] as KeyNode).parent, text, length);
    let slot = hash & (capacity - 1);
    while ((memory.words[(table + slot * KEY_BYTES + K_NODE) >> 2] as number) >= 0) slot = (slot + 1) & (capacity - 1);
    const at = table + slot * KEY_BYTES;
    memory.setWord(at, hash);
    memory.setWord(at + K_NODE, index + 1);
    memory.setLink(at + K_TEXT, text);
    memory.setWord(at + K_LENGTH, length);
  }
  memory.setLink(program + P_KEYS, table);
  memory.setWord(program + P_KEY_MASK, capacity - 1);
}

function encodePaths(plan: ScanPlan, paths: readonly string[], { memory, program }: { memory: ImageMemory; program: number }): void {
  const numbers = new Map(paths.map((path, index) => [path, index]));
  const fieldPaths = plan.fields.flatMap((field) => field.paths.map((path) => numbers.get(path) as number));
  const pathFields = paths.map((): number[] => []);
  for (const [index, field] of plan.fields.entries())
    for (const path of new Set(field.paths)) pathFields[numbers.get(path) as number]?.push(index);
  const table = memory.allocate(paths.length * PATH_BYTES);
  let first = 0;
  for (const [index, fields] of pathFields.entries()) {
    const at = table + index * PATH_BYTES;
    memory.setWord(at + T_FIRST, first);
    memory.setWord(at + T_COUNT, fields.length);
    first += fields.length;
  }
  memory.setLink(program + P_PATHS, table);
  memory.setLink(program + P_PATH_FIELDS, memory.putWords(pathFields.flat()));
  memory.setLink(program + P_FIELD_PATHS, memory.putWords(fieldPaths));
}
