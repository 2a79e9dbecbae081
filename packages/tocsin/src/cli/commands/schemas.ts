/** `tocsin schemas`: event types and the JSON Schema of each. */
import type { Command } from '../command.ts';
import { sayCount } from '../figures.ts';
import type { Column } from '../terminal.ts';
import { visible, visibleLines } from '../visible-text.ts';

interface ListedSchema {
  readonly type: string;
  readonly version: number;
  readonly classUid: number;
  readonly fields: number;
  readonly required: readonly string[];
}

const COLUMNS: readonly Column<ListedSchema>[] = [
  { title: 'EVENT TYPE', value: (row) => visible(row.type) },
  { title: 'VERSION', value: (row) => String(row.version), right: true },
  { title: 'CLASS', value: (row) => String(row.classUid), right: true },
  { title: 'FIELDS', value: (row) => sayCount(row.fields), right: true },
  { title: 'REQUIRED', value: (row) => visible(row.required.join(', ')) },
];

/** `tocsin schemas`: the list. */
export const schemas: Command = {
  name: 'schemas',
  summary: 'list event types with the version of their schema',
  examples: ['tocsin schemas', 'tocsin schemas show okta.login'],
  async run({ terminal, api }) {
    const found = await (await api()).call<{ schemas: ListedSchema[] }>('GET', '/schemas');
    if (terminal.json) terminal.object(found);
    else terminal.table(COLUMNS, found.schemas);
    return 0;
  },
};

/** `tocsin schemas show TYPE`. */
export const schemasShow: Command = {
  name: 'schemas show',
  argument: '<type>',
  summary: 'show the JSON Schema of an event type',
  examples: ['tocsin schemas show okta.login'],
  async run({ terminal, api }, [type = '']) {
    const found = await (await api()).call<{ schema: object }>('GET', `/schemas/${encodeURIComponent(type)}`);
    if (terminal.json) terminal.object(found);
    else terminal.line(visibleLines(JSON.stringify(found.schema, null, 2)));
    return 0;
  },
};
