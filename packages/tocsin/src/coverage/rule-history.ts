/** Whether a rule looked at events: the state of each rule under each rule set that the ledger knows, and what catch-ups have judged since. */
import { type CoverageLedger, type CoverageRow, type FrameRange, UNKNOWN_ORDER, WAITING_ORDER } from '@tocsin/store';
import { type ListedRule, readRuleList, type RuleState, rulesOfList } from './rule-list.ts';

/** What became of events with a rule. */
export type Verdict = 'evaluated' | 'caughtUp' | 'otherVersion' | 'waiting' | 'unknown' | 'notLoaded' | Exclude<RuleState, 'active'>;

/** A rule as it is in force, or as it is asked for. */
export interface CurrentRule {
  readonly id: string;
  /** Its version as lists write it; undefined where no version of it is in force: then every version counts. */
  readonly version: string | undefined;
}

/** Frames of a partition, as ranges that do not touch one another. */
type Ranges = Map<string, { after: number; upTo: number }[]>;

/** The rules of one tenant over time. */
export class RuleHistory {
  readonly #ledger: CoverageLedger;
  readonly #tenant: string;
  readonly #byOrder = new Map<number, ReadonlyMap<string, ListedRule> | undefined>();
  readonly #caught = new Map<string, Ranges>();

  constructor(ledger: CoverageLedger, tenant: string) {
    this.#ledger = ledger;
    this.#tenant = tenant;
    const lists = new Map<string, ReadonlyMap<string, ListedRule>>();
    for (const { order, ruleSet, list } of ledger.ruleSets()) {
      if (list !== undefined && !lists.has(ruleSet)) lists.set(ruleSet, rulesOfList(readRuleList(list), tenant));
      this.#byOrder.set(order, lists.get(ruleSet));
    }
  }

  /** What became of events that were judged under the rule set of an order, before any catch-up. */
  under(order: number, rule: CurrentRule): Verdict {
    if (order === WAITING_ORDER) return 'waiting';
    const list = order === UNKNOWN_ORDER ? undefined : this.#byOrder.get(order);
    if (list === undefined) return 'unknown';
    const listed = list.get(rule.id);
    if (listed === undefined) return 'notLoaded';
    const [, version, state] = listed;
    if (state !== 'active') return state;
    return rule.version === undefined || rule.version === version ? 'evaluated' : 'otherVersion';
  }

  /** What became of the events of a row. */
  of(row: CoverageRow, rule: CurrentRule): Verdict {
    const verdict = this.under(row.order, rule);
    if (verdict === 'evaluated' || verdict === 'waiting') return verdict;
    const ranges = this.#rangesOf(rule).get(`${row.stream} ${row.partition}`) ?? [];
    const isCaught = ranges.some(({ after, upTo }) => row.firstSequence > after && row.lastSequence <= upTo);
    return isCaught ? 'caughtUp' : verdict;
  }

  /** Whether a catch-up has judged anything for a rule. */
  hasCaughtUp(rule: CurrentRule): boolean {
    return this.#rangesOf(rule).size > 0;
  }

  #rangesOf(rule: CurrentRule): Ranges {
    const key = JSON.stringify([rule.id, rule.version ?? null]);
    const known = this.#caught.get(key);
    if (known !== undefined) return known;
    const ranges: Ranges = new Map();
    for (const range of this.#ledger.caughtUp(this.#tenant, rule.id))
      if (rule.version === undefined || range.version === rule.version) addRange(ranges, range);
    this.#caught.set(key, ranges);
    return ranges;
  }
}

/** Ranges come in order of where they begin. */
function addRange(ranges: Ranges, { stream, partition, after, upTo }: FrameRange): void {
  const key = `${stream} ${partition}`;
  const list = ranges.get(key) ?? [];
  ranges.set(key, list);
  const last = list.at(-1);
  if (last !== undefined && after <= last.upTo) last.upTo = Math.max(last.upTo, upTo);
  else list.push({ after, upTo });
}
