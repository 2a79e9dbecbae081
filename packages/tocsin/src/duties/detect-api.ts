/** What the detection thread answers about rules, as plain data. */
import type { ErrorCode, Lane, Position } from '@tocsin/core';
import type { RuleCost } from '@tocsin/detect';
import type { CoveringRule } from '@tocsin/detect/explain';
import type { CatchUpRules } from '../catchup/catch-up-rules.ts';
import type { EvidenceEvent, ExplainedEvidence } from '../rules/explain-evidence.ts';
import type { RuleFile } from '../rules/rule-book.ts';
import type { FoldsReport } from './folds-health.ts';

/** A rule as listed. */
export interface RuleSummary {
  readonly id: string;
  readonly title: string;
  readonly level: string;
  readonly path: string;
  /** Filters and values for placeholders are looked at with rules; only rules are listed as in force. */
  readonly kind: 'detection' | 'correlation' | 'filter' | 'placeholders';
  readonly techniques: readonly string[];
  /** Of a rule that is loaded but cannot fire: why, such as placeholders without values or a log source that nothing here has. */
  readonly dormant?: string | undefined;
  /** Of a rule that is not judged because it was put aside: why, and since when in milliseconds since 1970. */
  readonly quarantine?: { readonly reason: string; readonly sinceMs: number } | undefined;
  /** Titles of the filters whose conditions were added to its own. */
  readonly filters?: readonly string[] | undefined;
  /** Whether it is the tenant's own. */
  readonly own: boolean;
}

/** A rule that was left out: where and why. */
export interface RefusedLine {
  readonly path: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  /** Id or title, where they could be read. */
  readonly rule: string;
  readonly code: ErrorCode;
  readonly reason: string;
}

/** What became of rule files that were looked at. */
export interface RuleCheck {
  readonly accepted: readonly RuleSummary[];
  readonly refused: readonly RefusedLine[];
  readonly tests: readonly RuleTestLine[];
}

/** Outcome of one of the tests a rule carries. */
export interface RuleTestLine {
  readonly ruleId: string;
  readonly title: string;
  readonly test: string;
  readonly passed: boolean;
  /** What was expected and what came. */
  readonly detail: string;
}

/** What a tenant's rules have cost since they were put in force. */
export interface CostReport {
  readonly ruleSet: string;
  /** Milliseconds since 1970. */
  readonly sinceMs: number;
  /** The costliest first; rules that were never asked are left out. */
  readonly rules: readonly RuleCost[];
}

/** What a tenant's rules cover, on the sources whose events have come in since the rules were put in force. */
export interface CoverageReport {
  readonly present: readonly string[];
  readonly rules: readonly CoveringRule[];
}

/** What a catch-up is about. */
export interface CatchUpScope extends Pick<CatchUpRules, 'targets' | 'reachMs'> {
  /** Rule set in force, and its order. */
  readonly ruleSet: string;
  readonly order: number;
}

/** Questions to the detection thread. */
export type DetectApi = {
  readonly rules: (tenant: string) => {
    readonly ruleSet: string;
    readonly rules: readonly RuleSummary[];
    readonly refused: readonly RefusedLine[];
  };
  readonly cost: (tenant: string) => CostReport;
  /** Costs of all tenants that have sent something: for whoever watches the budget. */
  readonly costs: () => readonly (CostReport & { readonly tenant: string })[];
  /** Why events matched: by the rule set that judged them where it is still kept, else by the one in force. */
  readonly explain: (
    tenant: string,
    asked: { readonly ruleSet: string; readonly ruleId: string; readonly events: readonly EvidenceEvent[] },
  ) => Promise<{ readonly ruleSet: 'same' | 'other'; readonly explanations: readonly ExplainedEvidence[] }>;
  /** Which of these fields a sample of the tenant's events has, by mapping. */
  readonly fieldsSeen: (tenant: string, fields: readonly string[]) => Readonly<Record<string, readonly string[]>>;
  readonly coverage: (tenant: string) => CoverageReport;
  /** Ids of the rules in force, correlations included, that look at the events of each of these mappings. */
  readonly routing: (tenant: string, mappings: readonly string[]) => Readonly<Record<string, readonly string[]>>;
  /** The rules in force with the beginnings of their versions. */
  readonly ruleVersions: (tenant: string) => readonly { readonly id: string; readonly title: string; readonly version: string }[];
  /** What a catch-up of some rules is about. @throws api.not_found, catchup.not_in_force */
  readonly catchUpScope: (tenant: string, ruleIds: readonly string[]) => CatchUpScope;
  /** Looks at files without putting them in force: beside a tenant's rules where he is named, else by themselves; with `test`, runs the tests they carry. */
  /** Puts other rule files in force that are everybody's. @throws config.rules_not_taken */
  readonly shareRules: (files: readonly RuleFile[]) => Promise<void>;
  readonly check: (files: readonly RuleFile[], options: { readonly tenant?: string | undefined; readonly test: boolean }) => RuleCheck;
  /** What the folds hold and had to leave out, all tenants together. */
  readonly folds: () => FoldsReport;
  /** Resolves when the rules as of this position of CHANGES are in force, or after `waitMs` without: true if they are. */
  readonly reached: (position: Position, waitMs: number) => Promise<boolean>;
  /** Those of the fold shards held here for which everything up to this position of EVENTS is judged, folded and its alerts written within `waitMs`. */
  readonly settled: (lane: Lane, position: Position, waitMs: number) => Promise<readonly number[]>;
  /** The last step of MATCHES whose alerts are written by every fold shard held here; undefined before the first, or where none is held. */
  readonly foldedTo: () => Position | undefined;
  readonly stop: () => Promise<void>;
};
