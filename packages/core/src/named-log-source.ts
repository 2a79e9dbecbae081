/**
 * Log sources that people name: a configured source may say of what product, service and category its events are, in place of what their
 * mapping says. The name travels with the mapping's id, so that a log read again later routes as it did: `json#product=acme;service=vpn`.
 */
import type { LogSource } from './log-source.ts';

/** What a source says of its events, in Sigma's words; a part that is absent is the mapping's. */
export interface LogSourceName {
  readonly product?: string | undefined;
  readonly service?: string | undefined;
  readonly category?: string | undefined;
}

/** What a part of a name may be: words as rules have them. */
export const LOG_SOURCE_WORD = /^[A-Za-z0-9][A-Za-z0-9._ -]{0,62}[A-Za-z0-9]$|^[A-Za-z0-9]$/;

/** A mapping's id with a name; the id itself where the name says nothing. Parts must match `LOG_SOURCE_WORD`. */
export function nameMapping(mapping: string, name: LogSourceName | undefined): string {
  if (name === undefined) return mapping;
  const said = PARTS.flatMap((part) => (name[part] === undefined ? [] : [`${part}=${name[part].toLowerCase()}`]));
  return said.length === 0 ? mapping : `${mapping}#${said.join(';')}`;
}

/** The mapping's id without a name. */
export function mappingOfName(named: string): string {
  const mark = named.indexOf('#');
  return mark === -1 ? named : named.slice(0, mark);
}

/** The log source of a mapping, named or not; undefined where there is no such mapping. Where fields lie is always as the mapping says. */
export function namedLogSource(byMapping: ReadonlyMap<string, LogSource>, named: string): LogSource | undefined {
  const known = byMapping.get(named);
  const mark = known === undefined ? named.indexOf('#') : -1;
  const base = mark === -1 ? undefined : byMapping.get(named.slice(0, mark));
  if (base === undefined) return known;
  const said: Readonly<Record<string, string>> = Object.fromEntries(
    named
      .slice(mark + 1)
      .split(';')
      .map((part) => part.split('=', 2) as [string, string]),
  );
  const { product, service, category } = said;
  const isOther = product !== undefined && product !== base.product?.toLowerCase();
  return {
    ...base,
    mapping: named,
    product: product ?? base.product,
    services: service === undefined ? kept(base.services, isOther) : [service],
    categories:
      category === undefined
        ? kept(base.categories, isOther && service !== undefined)
        : [...new Set([...kept(base.categories, isOther), category])],
  };
}

function kept(names: readonly string[], isOther: boolean): readonly string[] {
  return isOther ? [] : names;
}

const PARTS = ['product', 'service', 'category'] as const;
