/** `tocsin rules`: the rules in force and those refused. */
import type { RuleSummary } from '../../duties/detect-api.ts';
import type { Command } from '../command.ts';
import { sayMany, sayTime } from '../figures.ts';
import { noteRefused, type RefusedLine } from '../rule-reports.ts';
import type { Column } from '../terminal.ts';
import { visible } from '../visible-text.ts';

const COLUMNS: readonly Column<RuleSummary>[] = [
  { title: 'LEVEL', value: (rule) => rule.level },
  { title: 'TITLE', value: (rule) => rule.title },
  { title: 'TECHNIQUE', value: (rule) => rule.techniques[0] ?? '-' },
  { title: 'KIND', value: sayKind },
  { title: 'FROM', value: (rule) => `${rule.own ? 'own ' : ''}${rule.path}` },
  { title: 'ID', value: (rule) => rule.id },
];

export const rules: Command = {
  name: 'rules',
  summary: 'list the rules in force and those refused',
  examples: ['tocsin rules', 'tocsin rules --json | jq -r .rules[].title', 'tocsin rules add ./my-rules'],
  async run({ terminal, api }) {
    const answer = await (await api()).call<{ ruleSet: string; rules: RuleSummary[]; refused: RefusedLine[] }>('GET', '/rules');
    if (terminal.json) {
      terminal.object(answer);
      return 0;
    }
    terminal.table(
      COLUMNS,
      [...answer.rules].sort((a, b) => (a.title < b.title ? -1 : 1)),
    );
    const aside = answer.rules.filter((rule) => rule.quarantine !== undefined);
    const silent = answer.rules.filter((rule) => rule.quarantine === undefined && rule.dormant !== undefined);
    terminal.hint(
      `\n${sayMany(answer.rules.length - aside.length, 'rule')} in force${silent.length > 0 ? `, of which ${silent.length} cannot fire` : ''}, ${answer.refused.length} refused, ${aside.length} in quarantine.`,
    );
    for (const { id, title, quarantine } of aside)
      terminal.note(
        terminal.typed(
          `${terminal.style('red', '!')} ${visible(title)} is in quarantine since ${sayTime(quarantine?.sinceMs ?? 0)}: ${visible(quarantine?.reason ?? '')}. Put it back with: tocsin rules release ${visible(id)}`,
        ),
      );
    noteRefused(terminal, answer.refused);
    return 0;
  },
};

/** What a rule is, and what keeps it from speaking: a filter too is nothing that one should have to search for. */
function sayKind({ kind, dormant, quarantine, filters = [] }: RuleSummary): string {
  const filtered = filters.length === 0 ? kind : `${kind}, filtered by ${filters.join('; ')}`;
  if (quarantine !== undefined) return `${filtered}, in quarantine: ${quarantine.reason}`;
  return dormant === undefined ? filtered : `${filtered}, cannot fire: ${dormant}`;
}
