/** What rules cover of MITRE ATT&CK: per tactic the techniques that rules are tagged with, and which of those rules could fire. */
import { attackTactics, attackTechniques } from './attack-techniques.data.ts';

/** A rule as far as coverage looks at it. */
export interface CoveringRule {
  readonly ruleId: string;
  readonly title: string;
  /** ATT&CK ids, such as `T1003.001`. */
  readonly techniques: readonly string[];
  /** Whether it could fire on the sources present. */
  readonly canFire: boolean;
  /** Why not. */
  readonly why?: string | undefined;
}

/** A technique that rules are tagged with. */
export interface CoveredTechnique {
  readonly id: string;
  /** The id itself where the table does not know it. */
  readonly name: string;
  readonly known: boolean;
  /** MITRE has retired the id: the rules' tags are due for renewal. */
  readonly retired: boolean;
  /** Rules that could fire, and those that could not. */
  readonly firing: readonly CoveringRule[];
  readonly silent: readonly CoveringRule[];
}

/** One tactic of the matrix. */
export interface CoveredTactic {
  readonly shortName: string;
  readonly name: string;
  /** Techniques, sub-techniques included, that ATT&CK lists under it, without retired ones. */
  readonly listed: number;
  /** Techniques that rules are tagged with, in the order of their ids. */
  readonly techniques: readonly CoveredTechnique[];
}

/** The whole. */
export interface AttackCoverage {
  readonly rules: number;
  readonly firing: number;
  /** Rules without a technique among their tags. */
  readonly untagged: number;
  readonly tactics: readonly CoveredTactic[];
  /** Techniques that the table does not know. */
  readonly unknown: readonly CoveredTechnique[];
}

/** Coverage by rules. A technique stands under every tactic that ATT&CK lists it under. */
export function attackCoverage(rules: readonly CoveringRule[]): AttackCoverage {
  const techniques = coveredTechniques(rules);
  const listed = attackTactics.map(
    (_, place) => [...attackTechniques.values()].filter(([, tactics, retired]) => retired !== true && tactics.includes(place)).length,
  );
  return {
    rules: rules.length,
    firing: rules.filter(({ canFire }) => canFire).length,
    untagged: rules.filter((rule) => rule.techniques.length === 0).length,
    tactics: attackTactics.map(([shortName, name], place) => ({
      shortName,
      name,
      listed: listed[place] ?? 0,
      techniques: techniques.filter(({ id }) => attackTechniques.get(id)?.[1].includes(place) === true),
    })),
    unknown: techniques.filter(({ known }) => !known),
  };
}

function coveredTechniques(rules: readonly CoveringRule[]): CoveredTechnique[] {
  const byTechnique = new Map<string, CoveringRule[]>();
  for (const rule of rules) {
    for (const id of new Set(rule.techniques)) {
      const covering = byTechnique.get(id) ?? [];
      byTechnique.set(id, covering);
      covering.push(rule);
    }
  }
  return [...byTechnique]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, covering]) => {
      const entry = attackTechniques.get(id);
      return {
        id,
        name: entry?.[0] ?? id,
        known: entry !== undefined,
        retired: entry?.[2] === true,
        firing: covering.filter(({ canFire }) => canFire),
        silent: covering.filter(({ canFire }) => !canFire),
      };
    });
}

/** Name of a technique; undefined where the table does not know it. */
export function techniqueName(id: string): string | undefined {
  return attackTechniques.get(id)?.[0];
}
