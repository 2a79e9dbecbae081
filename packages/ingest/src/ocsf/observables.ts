/** The entities of an event, as OCSF lists them: addresses, users, hosts, hashes, domains, URLs, mail addresses, files, processes. */
import { type OcsfAttribute, type OcsfShape, ocsfSchema } from './ocsf-schema.ts';

/** One entity and where it stands. */
export interface Observable {
  readonly name: string;
  readonly type_id: number;
  readonly value: string;
}

/** Most that are listed. */
const MAX_OBSERVABLES = 64;

/** Entities of an event, each value of a kind once. */
export function observablesOf(event: Readonly<Record<string, unknown>>, shape: OcsfShape): Observable[] {
  const found = new Map<string, Observable>();
  collect(event, shape, { path: '', found, depth: 0 });
  return [...found.values()];
}

interface Walk {
  readonly path: string;
  readonly found: Map<string, Observable>;
  readonly depth: number;
}

function collect(object: Readonly<Record<string, unknown>>, shape: OcsfShape, walk: Walk): void {
  if (walk.depth > 6) return;
  for (const [name, value] of Object.entries(object)) {
    const attribute = shape.attributes.get(name);
    if (attribute === undefined || name === 'metadata' || name === 'unmapped') continue;
    const path = walk.path === '' ? name : `${walk.path}.${name}`;
    for (const one of Array.isArray(value) ? (value as unknown[]) : [value]) collectOne(one, { name, attribute, shape }, { ...walk, path });
  }
}

function collectOne(value: unknown, of: { name: string; attribute: OcsfAttribute; shape: OcsfShape }, walk: Walk): void {
  const inner = ocsfSchema().object(of.attribute.type);
  if (inner !== undefined && typeof value === 'object' && value !== null) {
    collect(value as Readonly<Record<string, unknown>>, inner, { ...walk, depth: walk.depth + 1 });
    return;
  }
  const kind = kindOf(of);
  if (kind === undefined || inner !== undefined || (typeof value !== 'string' && typeof value !== 'number')) return;
  const text = String(value);
  const key = `${kind} ${text}`;
  if (text !== 'Unknown' && !walk.found.has(key) && walk.found.size < MAX_OBSERVABLES)
    walk.found.set(key, { name: walk.path, type_id: kind, value: text });
}

function kindOf({ name, attribute, shape }: { name: string; attribute: OcsfAttribute; shape: OcsfShape }): number | undefined {
  if (name === 'name' && shape.name === 'user') return USER_NAME;
  return name === 'uid' && shape.name === 'session' ? SESSION : attribute.observable;
}

const USER_NAME = 4;
/** OCSF has no kind for sessions: other. */
const SESSION = 99;
