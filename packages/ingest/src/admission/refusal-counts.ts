/**
 * What was refused to senders, by tenant, source and reason (an error code): counted, not kept. Bounded: beyond the bound of sources
 * the rest is counted under one name.
 */

/** How much was refused for one reason. */
export interface RefusalCount {
  readonly reason: string;
  readonly requests: number;
  /** Events of requests that were read before they were refused; those refused unread count as none. */
  readonly events: number;
  readonly bytes: number;
}

/** What one request was. */
export interface RefusedLoad {
  readonly records: number;
  readonly bytes: number;
}

/** Where refusals are counted since the process began. */
export interface RefusalCounts {
  add(owner: { readonly tenant: string; readonly source: string }, reason: string, load: RefusedLoad): void;
  /** Of one tenant, by source and then reason. */
  of(tenant: string): ReadonlyMap<string, readonly RefusalCount[]>;
  /** Of all tenants together, by reason. */
  total(): readonly RefusalCount[];
}

/** Sources counted by name; more than any installation has configured in practice. */
const MAX_SOURCES = 20_000;
/** Name under which the others are counted. */
const OTHERS = '(others)';

type Counts = Map<string, { requests: number; events: number; bytes: number }>;

/** Nothing refused so far. */
export function createRefusalCounts(maxSources: number = MAX_SOURCES): RefusalCounts {
  const tenants = new Map<string, Map<string, Counts>>();
  const all: Counts = new Map();
  let sources = 0;
  const countsOf = (tenant: string, source: string): Counts => {
    let own = tenants.get(tenant);
    if (own === undefined) tenants.set(tenant, (own = new Map()));
    const name = own.has(source) || sources < maxSources ? source : OTHERS;
    let counts = own.get(name);
    if (counts === undefined) {
      sources += 1;
      own.set(name, (counts = new Map()));
    }
    return counts;
  };
  return {
    add({ tenant, source }, reason, load) {
      bump(countsOf(tenant, source), reason, load);
      bump(all, reason, load);
    },
    of: (tenant) => new Map([...(tenants.get(tenant) ?? [])].map(([source, counts]) => [source, listOf(counts)])),
    total: () => listOf(all),
  };
}

function bump(counts: Counts, reason: string, { records, bytes }: RefusedLoad): void {
  let count = counts.get(reason);
  if (count === undefined) counts.set(reason, (count = { requests: 0, events: 0, bytes: 0 }));
  count.requests += 1;
  count.events += records;
  count.bytes += bytes;
}

function listOf(counts: Counts): RefusalCount[] {
  return [...counts].map(([reason, count]) => ({ reason, ...count })).sort((a, b) => b.requests - a.requests);
}
