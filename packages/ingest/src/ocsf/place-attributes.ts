/** Hot attributes in the OCSF object: where a class has no place of that name, where else it says the same. */
import type { OcsfClass } from './ocsf-schema.ts';
import { setPath } from './set-path.ts';

/** Hot attributes, and the time of receipt for those that are times. */
export interface Placed {
  readonly attributes: Readonly<Record<string, string | undefined>>;
  readonly receivedMs: number;
}

/** Puts each attribute into the event; what the mapping itself put there stays. */
export function placeAttributes(event: Record<string, unknown>, shape: OcsfClass, { attributes, receivedMs }: Placed): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined) continue;
    for (const path of placesOf(name, event, shape)) {
      const parts = path.split('.');
      if (readPath(event, parts) !== undefined || setPath(event, shape, { path: parts, value, receivedMs })) break;
    }
  }
  const { status } = attributes;
  if (status !== undefined) event['status_id'] ??= STATUS_IDS[status.toLowerCase()] ?? 99;
}

const STATUS_IDS: Readonly<Record<string, number>> = { success: 1, failure: 2 };

function placesOf(name: string, event: Record<string, unknown>, shape: OcsfClass): readonly string[] {
  switch (name) {
    case 'actor.user.name':
      // Who logs on is the user himself; who changes an account is the actor, if the mapping says which user is changed.
      return requires(shape, 'user') && event['user'] === undefined ? ['user.name'] : ['actor.user.name'];
    case 'process.file.path':
      return requires(shape, 'process') ? ['process.file.path'] : ['actor.process.file.path'];
    case 'api.operation':
      return requires(shape, 'api') ? ['api.operation'] : [...(OPERATIONS[shape.name] ?? []), 'metadata.event_code'];
    case 'src_endpoint.ip':
    case 'dst_endpoint.ip':
      // A finding has its endpoints among its evidence.
      return [name, `evidences.${name}`];
    default:
      return [name];
  }
}

function requires(shape: OcsfClass, name: string): boolean {
  return shape.attributes.get(name)?.isRequired === true;
}

/** What an operation is called where it is no call. */
const OPERATIONS: Readonly<Record<string, readonly string[]>> = {
  http_activity: ['http_request.http_method'],
  dns_activity: ['query.hostname'],
};

function readPath(event: Record<string, unknown>, path: readonly string[]): unknown {
  let value: unknown = event;
  for (const part of path) value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[part] : undefined;
  return value;
}
