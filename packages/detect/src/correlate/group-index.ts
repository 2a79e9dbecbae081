/**
 * Where groups are found: folds that group by the same fields share one table of keys, so that a match is looked up once for all of them.
 * Also which folds take which rule's matches. Holds the keys of one match at a time.
 */
import type { Match } from '@tocsin/core';
import type { RuleFold } from './create-folds.ts';
import { keyOfValues } from './group-key.ts';
import type { MatchFields } from './match-fields.ts';

/** All groups of one key, one place for each fold of their table. */
export interface Bundle<G> {
  readonly tenant: string;
  readonly key: string;
  readonly groups: (G | undefined)[];
  live: number;
}

/** A fold and its place. */
export interface FoldRoute<G> {
  readonly fold: RuleFold;
  readonly table: KeyTable<G>;
  readonly place: number;
}

/** Keys that several folds share. */
export class KeyTable<G> {
  readonly #keyOf: (match: Match) => string | undefined;
  readonly #byTenant = new Map<string, Map<string, Bundle<G>>>();
  /** The match that was looked up last, by its turn, and what was found. */
  #turn = 0;
  #found: Bundle<G> | undefined;
  folds = 0;

  constructor(keyOf: (match: Match) => string | undefined) {
    this.#keyOf = keyOf;
  }

  /** Bundle of a match; undefined when it belongs to no group. */
  bundleFor(match: Match, turn: number): Bundle<G> | undefined {
    if (this.#turn === turn) return this.#found;
    this.#turn = turn;
    const key = this.#keyOf(match);
    this.#found = key === undefined ? undefined : this.bundleOf(match.tenant, key);
    return this.#found;
  }

  /** Bundle of a key, made when there is none. */
  bundleOf(tenant: string, key: string): Bundle<G> {
    let keys = this.#byTenant.get(tenant);
    if (keys === undefined) this.#byTenant.set(tenant, (keys = new Map()));
    let bundle = keys.get(key);
    if (bundle === undefined) {
      bundle = { tenant, key, groups: [], live: 0 };
      keys.set(key, bundle);
    }
    return bundle;
  }

  /** Takes a bundle out that has no groups left. */
  drop(bundle: Bundle<G>): void {
    const keys = this.#byTenant.get(bundle.tenant);
    keys?.delete(bundle.key);
    if (keys?.size === 0) this.#byTenant.delete(bundle.tenant);
    // What is remembered of the match at hand is no longer in the table.
    this.#turn = 0;
  }

  /** Groups of all keys. */
  *all(): Generator<G> {
    for (const keys of this.#byTenant.values())
      for (const { groups } of keys.values()) yield* groups.filter((group) => group !== undefined);
  }
}

/** The tables and routes of a rule set's folds. */
export class GroupIndex<G> {
  readonly #routes = new Map<string, FoldRoute<G>[]>();
  readonly #byFold = new Map<RuleFold, FoldRoute<G>>();
  readonly #tables: KeyTable<G>[] = [];
  #turn = 0;

  constructor(folds: readonly RuleFold[], fields: MatchFields) {
    const shared = new Map<string, KeyTable<G>>();
    for (const fold of folds) {
      const table = this.#tableFor(fold, shared, fields);
      const route = { fold, table, place: table.folds++ };
      this.#byFold.set(fold, route);
      for (const ruleId of fold.ruleIds) {
        const routes = this.#routes.get(ruleId);
        if (routes === undefined) this.#routes.set(ruleId, [route]);
        else routes.push(route);
      }
    }
  }

  /** Folds for a rule's matches; none for a rule that is not known. */
  routesOf(ruleId: string): readonly FoldRoute<G>[] {
    return this.#routes.get(ruleId) ?? [];
  }

  /** All groups; may be changed while they are gone through. */
  *groups(): Generator<G> {
    for (const table of this.#tables) yield* table.all();
  }

  /** Where a fold's groups are. */
  routeTo(fold: RuleFold): FoldRoute<G> | undefined {
    return this.#byFold.get(fold);
  }

  /** Number by which a match is known while its folds are gone through. */
  nextTurn(): number {
    this.#turn += 1;
    return this.#turn;
  }

  #tableFor({ plan, fold }: RuleFold, shared: Map<string, KeyTable<G>>, fields: MatchFields): KeyTable<G> {
    const inputs = plan.kind === 'correlation' ? [...plan.inputs.values()] : [];
    const names = new Set(inputs.map(({ groupFields }) => JSON.stringify(groupFields)));
    const [name] = names;
    const known = names.size === 1 && name !== undefined ? shared.get(name) : undefined;
    if (known !== undefined) return known;
    const table = new KeyTable<G>(names.size === 1 ? keyReader(inputs[0]?.groupFields ?? [], fields) : (match) => fold.key(match));
    this.#tables.push(table);
    if (names.size === 1 && name !== undefined) shared.set(name, table);
    return table;
  }
}

function keyReader(names: readonly string[], fields: MatchFields): (match: Match) => string | undefined {
  const read = names.map((name) => fields.of(name));
  const [only] = read;
  if (read.length === 1 && only !== undefined) return (match) => only.valueOf(match);
  return (match) => keyOfValues(read.map((field) => field.valueOf(match)));
}
