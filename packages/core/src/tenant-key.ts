/** Key of one tenant's thing in a table that holds those of all tenants. Streams and steps name sources by `source-key.ts`, subjects by tokens. */

/**
 * One text for a tenant and the name of a thing of its own, the tenant behind its length (UTF-16 units): no two pairs share a text, whatever
 * characters they hold, and all texts of a tenant begin with `tenantKey(tenant, '')`, and nobody else's. For maps and hashes; it is not for people and
 * not read back. Shards of source facts and kept sessions of MQTT hang on it: it stays as it is.
 */
export function tenantKey(tenant: string, name: string): string {
  return `${tenant.length}:${tenant}${name}`;
}
