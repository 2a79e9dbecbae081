/** Entities of an event out of its hot attributes. The first one is what plain hits are grouped by. */
import type { Entity, EntityKind, HotAttribute, HotAttributes, LogSource } from '@tocsin/core';

/** Entity kind per hot attribute, by the last word of its OCSF path that names a thing; others name no entity. */
const kinds: ReadonlyMap<string, EntityKind> = new Map<HotAttribute, EntityKind>([
  ['device.hostname', 'host'],
  ['actor.user.name', 'user'],
  ['src_endpoint.ip', 'ip'],
  ['dst_endpoint.ip', 'ip'],
  ['process.file.path', 'process'],
]);

const MAX_CHARS = 256;

/**
 * Entities of an event: the grouping entity first (the log source's `entity` attributes, first present; the source itself where none is),
 * then the others in the attributes' order, each once.
 */
export function entitiesOf(attributes: HotAttributes, logSource: LogSource, source: string): Entity[] {
  const found = [...logSource.entity, ...kinds.keys()].flatMap((attribute) => {
    const kind = kinds.get(attribute);
    const value = Object.hasOwn(attributes, attribute) ? attributes[attribute as HotAttribute] : undefined;
    return kind === undefined || value === undefined || value === '' ? [] : [{ kind, value: value.slice(0, MAX_CHARS) }];
  });
  const isGroup = logSource.entity.some((attribute) => attributes[attribute as HotAttribute] !== undefined && kinds.has(attribute));
  const all: Entity[] = isGroup ? found : [{ kind: 'source', value: source }, ...found];
  return all.filter((entity, index) => all.findIndex((other) => other.kind === entity.kind && other.value === entity.value) === index);
}
