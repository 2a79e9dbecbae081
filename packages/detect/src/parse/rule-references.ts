/** How rules are named by others. What a reference to nothing costs is `resolve-references.ts`. */
import type { ParsedRule } from './parsed-rule.ts';

/** How correlations find the rules they refer to. */
export function indexByReference(rules: readonly ParsedRule[]): ReadonlyMap<string, ParsedRule> {
  return new Map(
    rules.flatMap((rule) =>
      rule.meta.name === undefined
        ? [[rule.meta.id, rule]]
        : [
            [rule.meta.id, rule],
            [rule.meta.name, rule],
          ],
    ),
  );
}
