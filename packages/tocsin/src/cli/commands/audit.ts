/** `tocsin audit`: who changed what, oldest first. */
import type { AuditRecord } from '../../security/audit-trail.ts';
import { type Command, numberOption } from '../command.ts';
import { sayTime } from '../figures.ts';
import type { Column } from '../terminal.ts';

const COLUMNS: readonly Column<AuditRecord>[] = [
  { title: 'TIME', value: (row) => sayTime(row.atMs) },
  { title: 'ACTOR', value: (row) => row.actor },
  {
    title: 'PHASE',
    value: (row) => row.phase,
    style: (row) => (row.phase === 'refused' ? 'red' : row.phase === 'intent' ? 'dim' : 'green'),
  },
  { title: 'ACTION', value: (row) => row.action },
  { title: 'RESOURCE', value: (row) => row.resource },
  { title: 'RESULT', value: (row) => row.result ?? '' },
];

export const audit: Command = {
  name: 'audit',
  summary: 'list who changed what: every act is written before it takes effect, and its outcome after',
  options: [{ flags: '-n, --limit <count>', about: 'newest records shown (default: 100)' }],
  examples: ['tocsin audit', 'tocsin audit -n 1000 --json'],
  async run({ terminal, api }, _, options) {
    const limit = numberOption(options, 'limit', { min: 1, max: 10_000 }) ?? 100;
    const { records } = await (await api()).call<{ records: AuditRecord[] }>('GET', `/audit?limit=${limit}`);
    if (terminal.json) for (const record of records) terminal.object(record);
    else terminal.table(COLUMNS, records);
    return 0;
  },
};
