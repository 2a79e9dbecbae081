/** Coverage as a layer of the ATT&CK Navigator, format 4.5 (mitre-attack/attack-navigator, `layers/LAYERFORMATv4_5.md`). */
import type { AttackCoverage, CoveredTechnique, CoveringRule } from './attack-coverage.ts';

/** One technique of a layer. */
export interface LayerTechnique {
  readonly techniqueID: string;
  /** Rules that could fire. Absent for a parent that is there to show its sub-techniques. */
  readonly score?: number;
  readonly color?: string;
  readonly comment?: string;
  readonly showSubtechniques?: true;
}

/** A layer as the Navigator opens it. */
export interface NavigatorLayer {
  readonly name: string;
  readonly versions: { readonly attack: string; readonly navigator: string; readonly layer: '4.5' };
  readonly domain: 'enterprise-attack';
  readonly description: string;
  readonly sorting: number;
  readonly techniques: readonly LayerTechnique[];
  readonly gradient: { readonly colors: readonly string[]; readonly minValue: number; readonly maxValue: number };
  readonly legendItems: readonly { readonly label: string; readonly color: string }[];
}

const ATTACK_VERSION = '19';
const SILENT_COLOUR = '#c8c8c8';
const FIRING_COLOURS = ['#cfe8cf', '#2e8b57'];
const MAX_TITLES = 10;

/** Layer of a coverage. Techniques whose rules cannot fire are grey. */
export function navigatorLayer(coverage: AttackCoverage, name: string): NavigatorLayer {
  const techniques = new Map(coverage.tactics.flatMap((tactic) => tactic.techniques.map((technique) => [technique.id, technique])));
  const parents = new Set([...techniques.keys()].flatMap((id) => (id.includes('.') ? [id.slice(0, id.indexOf('.'))] : [])));
  const shown = [...new Set([...techniques.keys(), ...parents])].sort();
  return {
    name,
    versions: { attack: ATTACK_VERSION, navigator: '5.1.0', layer: '4.5' },
    domain: 'enterprise-attack',
    description: `${coverage.firing} of ${coverage.rules} rules could fire on the sources present; the score is how many of them are tagged with the technique.`,
    sorting: 0,
    techniques: shown.map((id) => layerTechnique(id, techniques.get(id), parents.has(id))),
    gradient: {
      colors: FIRING_COLOURS,
      minValue: 0,
      maxValue: Math.max(1, ...[...techniques.values()].map(({ firing }) => firing.length)),
    },
    legendItems: [
      { label: 'rules that could fire', color: FIRING_COLOURS[1] ?? '' },
      { label: 'rules loaded, none can fire', color: SILENT_COLOUR },
    ],
  };
}

function layerTechnique(techniqueID: string, technique: CoveredTechnique | undefined, isParent: boolean): LayerTechnique {
  const shows = isParent ? { showSubtechniques: true as const } : {};
  if (technique === undefined) return { techniqueID, ...shows };
  const { firing, silent } = technique;
  if (firing.length === 0) return { techniqueID, score: 0, color: SILENT_COLOUR, comment: `cannot fire: ${sayTitles(silent)}`, ...shows };
  return { techniqueID, score: firing.length, comment: sayTitles(firing), ...shows };
}

function sayTitles(rules: readonly CoveringRule[]): string {
  const titles = rules.slice(0, MAX_TITLES).map(({ title }) => title);
  return `${titles.join('; ')}${rules.length > MAX_TITLES ? ` and ${rules.length - MAX_TITLES} more` : ''}`;
}
