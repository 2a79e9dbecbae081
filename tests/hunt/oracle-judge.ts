/**
 * The oracle over many events: each rule is judged naively, once for every combination of what the rules read. Recordings repeat themselves,
 * so that a naive judgement of half a million events takes minutes instead of days; what the oracle says of an event is not changed by it.
 */
import { createHash } from 'node:crypto';
import { evaluateRule, type Json, type OracleEvent, OracleRefusal, type Rule } from '../../packages/detect/test/oracle/evaluate.ts';
import { readField } from '../../packages/detect/test/oracle/fields.ts';

const MOST_REMEMBERED = 200_000;

/** Judges events by the rules of one log source. */
export class OracleJudge {
  readonly #plain = new Map<string, Rule>();
  /** Rules with keywords, which read everything. */
  readonly #keyword = new Map<string, Rule>();
  readonly #fields: readonly string[];
  readonly #known = new Map<string, readonly string[]>();
  readonly #onRefusal: (ruleId: string) => void;

  constructor(rules: ReadonlyMap<string, Rule>, onRefusal: (ruleId: string) => void) {
    const fields = new Set<string>();
    for (const [id, rule] of rules) {
      const own = fieldsOf(rule);
      (own.has('') ? this.#keyword : this.#plain).set(id, rule);
      for (const field of own) fields.add(field);
    }
    this.#fields = [...fields].filter((field) => field !== '');
    this.#onRefusal = onRefusal;
  }

  /** Ids of the rules that hold for an event. */
  matches(event: OracleEvent): readonly string[] {
    const read = JSON.stringify(this.#fields.map((field) => readField(event, field)));
    const key = createHash('sha256').update(read).digest('base64');
    let plain = this.#known.get(key);
    if (plain === undefined) {
      plain = this.#judge(this.#plain, event);
      if (this.#known.size >= MOST_REMEMBERED) this.#known.clear();
      this.#known.set(key, plain);
    }
    return [...plain, ...this.#judge(this.#keyword, event)];
  }

  #judge(rules: ReadonlyMap<string, Rule>, event: OracleEvent): string[] {
    return [...rules].flatMap(([id, rule]) => {
      try {
        return evaluateRule(rule, event) ? [id] : [];
      } catch (error) {
        if (!(error instanceof OracleRefusal)) throw error;
        this.#onRefusal(id);
        return [];
      }
    });
  }
}

/** Fields that a rule names; the empty name stands for keywords. */
function fieldsOf({ detection }: Rule): Set<string> {
  const { condition: _, ...identifiers } = detection;
  const fields = new Set<string>();
  const visit = (definition: Json): void => {
    if (Array.isArray(definition)) definition.forEach((one) => visit(one as Json));
    else if (definition === null || typeof definition !== 'object') fields.add('');
    else for (const [key, value] of Object.entries(definition)) visitLine(fields, key, value as Json);
  };
  for (const [name, definition] of Object.entries(identifiers)) if (name !== 'timeframe') visit(definition as Json);
  return fields;
}

function visitLine(fields: Set<string>, key: string, value: Json): void {
  const [field = '', ...modifiers] = key.split('|');
  fields.add(field);
  if (!modifiers.includes('fieldref')) return;
  for (const other of Array.isArray(value) ? value : [value]) fields.add(String(other));
}
