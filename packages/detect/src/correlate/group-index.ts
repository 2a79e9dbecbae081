/** Which folds take which rule's matches, and which of them share a table of keys: a match is looked up once for all that group alike. */
import type { RuleFold } from './create-folds.ts';
import { type KeyPart, KeyTable, madePart } from './key-table.ts';
import type { MatchFields } from './match-fields.ts';

/** A fold, its place in its table of keys, and its lanes by the number of their tenant. */
export interface FoldRoute<L> {
  readonly fold: RuleFold;
  readonly table: KeyTable;
  readonly place: number;
  readonly lanes: (L | undefined)[];
}

const NO_ROUTES: readonly never[] = [];

/** The tables and routes of a rule set's folds. */
export class GroupIndex<L> {
  readonly #routes = new Map<string, FoldRoute<L>[]>();
  readonly #byFold = new Map<RuleFold, FoldRoute<L>>();
  #turn = 0;
  /** What was asked for last: one rule's matches often come one after the other. */
  #lastRule = '';
  #lastRoutes: readonly FoldRoute<L>[] = NO_ROUTES;

  constructor(folds: readonly RuleFold[], fields: MatchFields) {
    const shared = new Map<string, KeyTable>();
    for (const fold of folds) {
      const table = tableFor(fold, shared, fields);
      const route = { fold, table, place: table.folds++, lanes: [] };
      this.#byFold.set(fold, route);
      for (const ruleId of fold.ruleIds) {
        const routes = this.#routes.get(ruleId);
        if (routes === undefined) this.#routes.set(ruleId, [route]);
        else routes.push(route);
      }
    }
  }

  /** Folds for a rule's matches; none for a rule that is not known. */
  routesOf(ruleId: string): readonly FoldRoute<L>[] {
    if (ruleId !== this.#lastRule) {
      this.#lastRule = ruleId;
      this.#lastRoutes = this.#routes.get(ruleId) ?? NO_ROUTES;
    }
    return this.#lastRoutes;
  }

  /** All routes, in the order of the folds. */
  routes(): Iterable<FoldRoute<L>> {
    return this.#byFold.values();
  }

  /** Where a fold's groups are. */
  routeTo(fold: RuleFold): FoldRoute<L> | undefined {
    return this.#byFold.get(fold);
  }

  /** Number by which a match is known while its folds are gone through. */
  nextTurn(): number {
    this.#turn += 1;
    return this.#turn;
  }
}

function tableFor({ plan, fold }: RuleFold, shared: Map<string, KeyTable>, fields: MatchFields): KeyTable {
  const inputs = plan.kind === 'correlation' ? [...plan.inputs.values()] : [];
  const names = new Set(inputs.map(({ groupFields }) => JSON.stringify(groupFields)));
  const [name] = names;
  // Where the rules are grouped by different fields the fold itself says what comes together.
  if (names.size !== 1 || name === undefined) return new KeyTable([madePart((match) => fold.key(match))]);
  const known = shared.get(name);
  if (known !== undefined) return known;
  const parts: KeyPart[] = (inputs[0]?.groupFields ?? []).map((field) => fields.of(field));
  const table = new KeyTable(parts);
  shared.set(name, table);
  return table;
}
