/**
 * Matches remembered for groups that have raised nothing yet, each once however many groups remember it. The latest are kept as they came;
 * older ones without excerpt and explanation, as one text: what an alert needs to name its events.
 */
import type { Entity, Position } from '@tocsin/core';
import { weighMatch } from './fold.ts';
import type { FoldMatch } from './held-match.ts';
import { grown } from './key-table.ts';

/** Matches kept as they came. */
const RECENT = 4096;
/** What an entry weighs beside its text or match. */
const ENTRY_BYTES = 40;

/** What is kept of an older match. */
type Kept = readonly [
  string,
  string,
  number,
  number,
  string,
  string,
  string,
  string,
  number,
  readonly string[],
  FoldMatch['group'],
  string | 0,
];

/** Remembered matches by number. */
export class EvidenceLocker {
  /** Whether older matches keep the values that correlations group by: needed where correlations stand above correlations. */
  readonly #keepsValues: boolean;
  readonly #entries: (FoldMatch | string | undefined)[] = [];
  #references = new Uint16Array(0);
  readonly #free: number[] = [];
  readonly #recent: (FoldMatch | undefined)[] = [];
  readonly #recentEntry: number[] = [];
  #next = 0;
  #last: FoldMatch | undefined;
  #lastEntry = -1;
  #bytes = 0;

  constructor(keepsValues: boolean) {
    this.#keepsValues = keepsValues;
  }

  /** Rough bytes of all that is remembered. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Remembers a match once more; its number. */
  put(match: FoldMatch): number {
    if (this.#last !== match || this.#entries[this.#lastEntry] !== match) {
      this.#lastEntry = this.#enter(match);
      this.#last = match;
    }
    this.#references[this.#lastEntry] = (this.#references[this.#lastEntry] as number) + 1;
    return this.#lastEntry;
  }

  /** What is remembered. */
  get(entry: number): FoldMatch | undefined {
    const kept = this.#entries[entry];
    return typeof kept === 'string' ? unpack(kept) : kept;
  }

  /** Forgets a match once; entirely when nobody else remembers it. */
  release(entry: number): void {
    const left = (this.#references[entry] as number) - 1;
    this.#references[entry] = left;
    if (left > 0) return;
    this.#bytes -= weigh(this.#entries[entry]);
    this.#entries[entry] = undefined;
    this.#free.push(entry);
  }

  #enter(match: FoldMatch): number {
    const entry = this.#free.pop() ?? this.#entries.length;
    this.#entries[entry] = match;
    if (entry >= this.#references.length)
      this.#references = grown(this.#references, new Uint16Array(Math.max(64, Math.ceil(1.3 * this.#references.length))));
    this.#references[entry] = 0;
    this.#bytes += weigh(match);
    this.#packOldest();
    this.#recent[this.#next] = match;
    this.#recentEntry[this.#next] = entry;
    this.#next = (this.#next + 1) % RECENT;
    return entry;
  }

  /** Makes room for one more recent match. */
  #packOldest(): void {
    const oldest = this.#recent[this.#next];
    const entry = this.#recentEntry[this.#next];
    if (oldest === undefined || entry === undefined || this.#entries[entry] !== oldest) return;
    const kept = pack(oldest, this.#keepsValues);
    this.#bytes += weigh(kept) - weigh(oldest);
    this.#entries[entry] = kept;
  }
}

function weigh(kept: FoldMatch | string | undefined): number {
  if (kept === undefined) return 0;
  return ENTRY_BYTES + (typeof kept === 'string' ? kept.length : weighMatch(kept));
}

function pack({ ruleId, tenant, timeMs, receivedMs, evidence, entities, group, correlationId }: FoldMatch, keepsValues: boolean): string {
  const { source, eventId, sha256, at } = evidence;
  const named = entities.flatMap(({ kind, value }) => [kind, value]);
  const place = [source, eventId, sha256, at.position, at.index] as const;
  return JSON.stringify([ruleId, tenant, timeMs, receivedMs, ...place, named, keepsValues ? group : {}, correlationId ?? 0] satisfies Kept);
}

function unpack(text: string): FoldMatch {
  const [ruleId, tenant, timeMs, receivedMs, source, eventId, sha256, position, index, named, group, correlationId] = JSON.parse(
    text,
  ) as Kept;
  const entities: Entity[] = [];
  for (let i = 0; i < named.length; i += 2) entities.push({ kind: named[i], value: named[i + 1] } as Entity);
  return {
    ruleId,
    tenant,
    timeMs,
    receivedMs,
    evidence: { source, eventId, timeMs, sha256, at: { position: position as Position, index } },
    group,
    entities,
    explanation: [],
    ...(correlationId === 0 ? {} : { correlationId }),
  };
}
