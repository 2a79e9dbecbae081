/** Key of a source among all tenants' sources, as match steps and folds name it. Subjects of the bus have tokens instead, tables in memory `tenant-key.ts`. */

/** `tenant/source`: a tenant's own `/` and `%` are escaped, so that no two sources share a key. */
export function sourceKey(tenant: string, source: string): string {
  return `${ESCAPED.test(tenant) ? tenant.replaceAll('%', '%25').replaceAll('/', '%2F') : tenant}/${source}`;
}

const ESCAPED = /[%/]/;
