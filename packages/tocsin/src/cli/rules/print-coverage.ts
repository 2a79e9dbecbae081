/** ATT&CK coverage on a terminal: a line per tactic, below it the techniques in as many columns as fit; in a pipe one line per technique. */
import { type AttackCoverage, type CoveredTactic, type CoveredTechnique, techniqueName } from '@tocsin/detect/explain';
import { sayMany } from '../figures.ts';
import type { Terminal } from '../terminal.ts';
import { shorten, textWidth, visible } from '../visible-text.ts';

const CELL = 38;
const BAR = 20;

/** Prints a coverage; without `sub`, sub-techniques count for their technique. */
export function printCoverage(terminal: Terminal, coverage: AttackCoverage, { basis, sub }: { basis: string; sub: boolean }): void {
  const tactics = coverage.tactics.map((tactic) => ({
    ...tactic,
    cells: sub ? tactic.techniques.map(cellOf) : rolledUp(tactic.techniques),
  }));
  if (terminal.interactive) for (const tactic of tactics) printTactic(terminal, tactic);
  else printRows(terminal, tactics);
  const covered = new Set(
    coverage.tactics.flatMap(({ techniques }) => techniques.filter(({ firing }) => firing.length > 0).map(({ id }) => id)),
  );
  terminal.note('');
  terminal.note(
    `${sayMany(coverage.rules, 'rule')}, ${coverage.firing} could fire: they cover ${sayMany(covered.size, 'technique')}${coverage.untagged > 0 ? `; ${coverage.untagged} without a technique` : ''}.`,
  );
  terminal.note(`Counted on ${visible(basis)}.`);
  const retired = new Set(coverage.tactics.flatMap(({ techniques }) => techniques.filter((one) => one.retired).map(({ id }) => id)));
  if (retired.size > 0) terminal.note(`Tags that MITRE has retired: ${[...retired].join(', ')}`);
  if (coverage.unknown.length > 0)
    terminal.note(`Tags that are no technique of ATT&CK 19: ${visible(coverage.unknown.map(({ id }) => id).join(', '))}`);
}

/** One technique as shown. */
interface Cell {
  readonly id: string;
  readonly name: string;
  readonly firing: number;
  readonly silent: number;
}

type Tactic = CoveredTactic & { readonly cells: readonly Cell[] };

function cellOf({ id, name, firing, silent }: CoveredTechnique): Cell {
  return { id, name, firing: firing.length, silent: silent.length };
}

/** Techniques with their sub-techniques; a rule tagged with several of them counts once. */
function rolledUp(techniques: readonly CoveredTechnique[]): Cell[] {
  const families = new Map<string, CoveredTechnique[]>();
  for (const technique of techniques) {
    const parent = technique.id.split('.')[0] ?? technique.id;
    families.set(parent, [...(families.get(parent) ?? []), technique]);
  }
  return [...families].map(([id, family]) => {
    const unique = (of: (one: CoveredTechnique) => CoveredTechnique['firing']): number =>
      new Set(family.flatMap(of).map(({ ruleId }) => ruleId)).size;
    return {
      id,
      name: techniqueName(id) ?? id,
      firing: unique((one) => one.firing),
      silent: unique((one) => one.silent),
    };
  });
}

function printTactic(terminal: Terminal, { name, listed, techniques, cells }: Tactic): void {
  const firing = techniques.filter((one) => one.firing.length > 0).length;
  const full = listed === 0 ? 0 : Math.min(BAR, Math.round((firing / listed) * BAR));
  const bar = terminal.style('green', '█'.repeat(full)) + terminal.style('dim', '░'.repeat(BAR - full));
  terminal.line(`${terminal.style('bold', name.padEnd(22))} ${bar} ${firing} of ${listed}`);
  const perLine = Math.max(1, Math.floor((terminal.columns - 2) / CELL));
  const width = Math.floor((terminal.columns - 2) / perLine);
  for (let from = 0; from < cells.length; from += perLine) {
    terminal.line(
      `  ${cells
        .slice(from, from + perLine)
        .map((cell) => sayCell(terminal, cell, width))
        .join('')
        .trimEnd()}`,
    );
  }
}

function sayCell(terminal: Terminal, { id, name, firing, silent }: Cell, width: number): string {
  const count = firing > 0 ? String(firing) : `0/${silent}`;
  const text = `${id} ${shorten(name, width - id.length - count.length - 4)} ${count}`;
  const space = ' '.repeat(Math.max(1, width - textWidth(text)));
  return firing > 0 ? `${terminal.style('green', id)}${text.slice(id.length)}${space}` : `${terminal.style('dim', text)}${space}`;
}

function printRows(terminal: Terminal, tactics: readonly Tactic[]): void {
  terminal.table(
    [
      { title: 'TACTIC', value: (row) => row.tactic },
      { title: 'TECHNIQUE', value: (row) => row.id },
      { title: 'NAME', value: (row) => row.name },
      { title: 'RULES', value: (row) => String(row.firing) },
      { title: 'SILENT', value: (row) => String(row.silent) },
    ],
    tactics.flatMap(({ shortName, cells }) => cells.map((cell) => ({ tactic: shortName, ...cell }))),
  );
}
