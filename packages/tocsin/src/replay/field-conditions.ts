/** Conditions on fields as people write them, `FIELD=VALUE` with Sigma's modifiers, made into a rule that asks for events of every log source. */
import { type LogSource, TocsinError } from '@tocsin/core';
import { type CompiledRules, compileRules, parseRules } from '@tocsin/detect';

/** Name of the selection of one condition. */
const nameOf = (place: number): string => `condition_${place}`;

/** One rule that holds where all conditions hold; undefined for none. @throws replay.bad_filter */
export function compileConditions(conditions: readonly string[], logSources: readonly LogSource[]): CompiledRules | undefined {
  if (conditions.length === 0) return undefined;
  const selections = conditions.map((condition, place) => [nameOf(place), selectionOf(condition)] as const);
  const rule = {
    title: 'Conditions on fields',
    id: 'conditions-on-fields',
    logsource: { category: 'any' },
    detection: { ...Object.fromEntries(selections), condition: conditions.map((_, place) => nameOf(place)).join(' and ') },
  };
  const { rules, refused } = parseRules([{ path: 'conditions', text: JSON.stringify(rule) }]);
  const [parsed] = rules;
  if (parsed?.kind !== 'detection')
    throw new TocsinError('replay.bad_filter', { condition: conditions.join(' and '), reason: refused[0]?.reason ?? 'it is no condition' });
  if (parsed.needsValues.length > 0)
    throw new TocsinError('replay.bad_filter', { condition: conditions.join(' and '), reason: 'placeholders have no values here' });
  return compileRules([{ ...parsed, logSource: {} }], logSources);
}

/** `FIELD=VALUE` is a field that has the value; text without `=` is looked for in the whole record. */
function selectionOf(condition: string): unknown {
  const at = condition.indexOf('=');
  if (at === 0 || condition.trim() === '') throw new TocsinError('replay.bad_filter', { condition, reason: 'no field is named' });
  if (at === -1) return [condition];
  return { [condition.slice(0, at)]: valueOf(condition.slice(at + 1)) };
}

/** Numbers and truth values as Sigma has them; everything else is text. */
function valueOf(text: string): unknown {
  if (/^-?\d{1,15}(\.\d{1,15})?$/.test(text)) return Number(text);
  if (text === 'null') return null;
  return text === 'true' || text === 'false' ? text === 'true' : text;
}
