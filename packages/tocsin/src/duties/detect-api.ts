/** What the detection thread answers about rules, as plain data. */
import type { Position } from '@tocsin/core';
import type { RefusedRule } from '@tocsin/detect';
import type { RuleFile } from '../rules/rule-book.ts';

/** A rule as listed. */
export interface RuleSummary {
  readonly id: string;
  readonly title: string;
  readonly level: string;
  readonly path: string;
  readonly kind: 'plain' | 'correlation';
  readonly techniques: readonly string[];
  /** Rules that are loaded but cannot fire yet, such as with unresolved placeholders: why. */
  readonly dormant?: string | undefined;
  /** Whether it is the tenant's own. */
  readonly own: boolean;
}

/** What became of rule files that were looked at. */
export interface RuleCheck {
  readonly accepted: readonly RuleSummary[];
  readonly refused: readonly RefusedRule[];
  readonly tests: readonly RuleTestLine[];
}

/** Outcome of one of the tests a rule carries. */
export interface RuleTestLine {
  readonly ruleId: string;
  readonly title: string;
  readonly test: string;
  readonly passed: boolean;
  readonly reason?: string | undefined;
}

/** Questions to the detection thread. */
export type DetectApi = {
  readonly rules: (tenant: string) => { readonly ruleSet: string; readonly rules: readonly RuleSummary[]; readonly refused: readonly RefusedRule[] };
  /** Compiles files without putting them in force; with `test`, runs the tests they carry. */
  readonly check: (files: readonly RuleFile[], test: boolean) => RuleCheck;
  /** Resolves when the rules as of this position of CHANGES are in force, or after `waitMs` without: true if they are. */
  readonly reached: (position: Position, waitMs: number) => Promise<boolean>;
  readonly stop: () => Promise<void>;
};
