/** `tocsin rules`: the rules in force and those refused. */
import type { RuleSummary } from '../../duties/detect-api.ts';
import type { Command } from '../command.ts';
import { sayMany } from '../figures.ts';
import { noteRefused, type RefusedLine } from '../rule-reports.ts';
import type { Column } from '../terminal.ts';

const COLUMNS: readonly Column<RuleSummary>[] = [
  { title: 'LEVEL', value: (rule) => rule.level },
  { title: 'TITLE', value: (rule) => rule.title },
  { title: 'TECHNIQUE', value: (rule) => rule.techniques[0] ?? '-' },
  { title: 'KIND', value: (rule) => (rule.dormant === undefined ? rule.kind : `${rule.kind}, dormant: ${rule.dormant}`) },
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
    terminal.hint(`\n${sayMany(answer.rules.length, 'rule')} in force, ${answer.refused.length} refused.`);
    noteRefused(terminal, answer.refused);
    return 0;
  },
};
