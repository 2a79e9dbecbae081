/**
 * Fields that are not the record's own but what mappings made of it: by these, correlations group events of log sources that call the same
 * thing by other names. Their names are reserved: a record that has a field of such a name is not asked for it.
 */
import type { HotAttribute, HotAttributes } from '@tocsin/core';

/** Attributes as mappings give them, under `ocsf.` and their path. */
const PREFIX = 'ocsf.';

/** Entities in one form, whoever names them. */
const entities: ReadonlyMap<string, (attributes: HotAttributes) => string | undefined> = new Map([
  ['entity.user', ({ 'actor.user.name': name }: HotAttributes) => userKey(name)],
  ['entity.host', ({ 'device.hostname': name }: HotAttributes) => hostKey(name)],
  ['entity.ip', ({ 'src_endpoint.ip': address }: HotAttributes) => address?.toLowerCase()],
]);

/** Reads a reserved field of an event's attributes; undefined where the name is not reserved. A reading of undefined: the event has none. */
export function entityField(name: string): ((attributes: HotAttributes) => string | undefined) | undefined {
  const entity = entities.get(name);
  if (entity !== undefined) return entity;
  if (!name.startsWith(PREFIX)) return undefined;
  const attribute = name.slice(PREFIX.length);
  return (attributes) => (Object.hasOwn(attributes, attribute) ? attributes[attribute as HotAttribute] : undefined);
}

/** `ACME\Ann`, `ann@acme.example`, `arn:aws:iam::1:user/ann` and `ann` are one user: the account without domain, in lower case. */
export function userKey(name: string | undefined): string | undefined {
  if (name === undefined) return undefined;
  const afterSlash = name.slice(Math.max(name.lastIndexOf('\\'), name.lastIndexOf('/')) + 1);
  const at = afterSlash.indexOf('@');
  const account = (at > 0 ? afterSlash.slice(0, at) : afterSlash).trim().toLowerCase();
  // What stands for nobody would join everybody's.
  return account === '' || account === '-' ? undefined : account;
}

/** `WS5.acme.example` and `ws5` are one host; addresses stay whole. */
function hostKey(name: string | undefined): string | undefined {
  if (name === undefined || name === '') return undefined;
  const lower = name.toLowerCase();
  if (lower.includes(':') || /^[\d.]+$/.test(lower)) return lower;
  return lower.split('.', 1)[0];
}
