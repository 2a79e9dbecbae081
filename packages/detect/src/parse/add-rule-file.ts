/** One file more: what a set comes to when a file of plain rules joins it, worked out from the set before and that file alone. */
import type { ParsedSet, RuleFile } from './parse-memo.ts';
import type { ParsedRules } from './parse-rules.ts';
import type { ParsedRule } from './parsed-rule.ts';

/** The set with the file; undefined where it is not just one file more, or where other rules could hang on it. `parse` reads a file by itself. */
export function addRuleFile(
  files: readonly RuleFile[],
  { files: former, parsed }: ParsedSet,
  parse: (file: RuleFile) => ParsedRules,
): ParsedRules | undefined {
  const place = placeOfAdded(files, former);
  const added = place === undefined ? undefined : files[place];
  // A refused rule may only have waited for this one, and filters and placeholders may be meant for it.
  if (place === undefined || added === undefined || !isPlain(parsed)) return undefined;
  const { rules, ...others } = parse(added);
  if (!isPlain({ rules, ...others }) || rules.some(({ kind }) => kind !== 'detection') || isClaimed(rules, parsed.rules)) return undefined;
  const behind = new Set(former.slice(place).map(({ path }) => path));
  const at = behind.size === 0 ? -1 : parsed.rules.findIndex(({ location }) => behind.has(location.path));
  return { ...parsed, rules: at < 0 ? [...parsed.rules, ...rules] : parsed.rules.toSpliced(at, 0, ...rules) };
}

function isPlain({ filters, placeholders, refused }: ParsedRules): boolean {
  return filters.length + placeholders.length + refused.length === 0;
}

/** Where the one file stands that the former set does not have. */
function placeOfAdded(files: readonly RuleFile[], former: readonly RuleFile[]): number | undefined {
  if (files.length !== former.length + 1) return undefined;
  const isSame = (one: RuleFile | undefined, other: RuleFile | undefined): boolean =>
    one === other || (one !== undefined && other !== undefined && one.path === other.path && one.text === other.text);
  let place = 0;
  while (place < former.length && isSame(files[place], former[place])) place++;
  for (let i = place; i < former.length; i++) if (!isSame(files[i + 1], former[i])) return undefined;
  return former.some(({ path }) => path === files[place]?.path) ? undefined : place;
}

/** Whether an id or a name of the rules is taken. */
function isClaimed(rules: readonly ParsedRule[], others: readonly ParsedRule[]): boolean {
  const claims = new Set(rules.flatMap(({ meta }) => [meta.id, ...(meta.name === undefined ? [] : [meta.name])]));
  return others.some(({ meta }) => claims.has(meta.id) || (meta.name !== undefined && claims.has(meta.name)));
}
