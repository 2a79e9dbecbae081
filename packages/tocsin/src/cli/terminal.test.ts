import { expect, test } from 'vitest';
import { asTyped, type Column, Terminal } from './terminal.ts';
import { textWidth } from './visible-text.ts';

interface Row {
  readonly name: string;
  readonly count: number;
}

const COLUMNS: readonly Column<Row>[] = [
  { title: 'NAME', value: (row) => row.name, style: () => 'red' },
  { title: 'COUNT', value: (row) => String(row.count), right: true },
];
const ROWS: readonly Row[] = [
  { name: 'short', count: 7 },
  { name: 'a\u001b[31mb\tc', count: 1000 },
];

function open(options: { tty: boolean; json?: boolean; colour?: boolean; columns?: number }) {
  const written: string[] = [];
  const screen = { write: (text: string) => written.push(text), isTTY: options.tty, columns: options.columns };
  const terminal = new Terminal({ out: screen, err: screen, json: options.json ?? false, colour: options.colour ?? true });
  return { terminal, text: () => written.join('') };
}

test('in a pipe a table is plain tab-separated lines', () => {
  const { terminal, text } = open({ tty: false });
  terminal.table(COLUMNS, ROWS);
  expect(text()).toBe('NAME\tCOUNT\nshort\t7\na\\u001b[31mb\\u0009c\t1000\n');
});

test('on a terminal a table is aligned and coloured by itself, never by its values', () => {
  const { terminal, text } = open({ tty: true, columns: 80 });
  terminal.table(COLUMNS, ROWS);
  const shown = text();
  expect(shown).toContain('\\u001b[31mb\\u0009c');
  expect(shown).toContain('\u001b[31mshort');
});

test('without colour nothing but text is written', () => {
  const { terminal, text } = open({ tty: true, colour: false, columns: 80 });
  terminal.table(COLUMNS, ROWS);
  terminal.progress('Sending').show(0.5, 'half');
  terminal.line(terminal.style('red', 'x'));
  expect(text()).not.toContain('\u001b');
});

test('no line of a table is wider than the terminal', () => {
  const { terminal, text } = open({ tty: true, colour: false, columns: 40 });
  terminal.table(COLUMNS, [{ name: '東京'.repeat(40), count: 123_456 }]);
  for (const line of text().split('\n')) expect(textWidth(line)).toBeLessThanOrEqual(40);
});

test('a line of result appears above the bar', () => {
  const { terminal, text } = open({ tty: true, columns: 80 });
  const bar = terminal.progress('Sending');
  bar.show(0.5, 'half');
  terminal.line('found');
  bar.end();
  expect(text()).toMatch(/50 % half\r\u001b\[2Kfound\n\r\u001b\[2KSending .*50 % half\r\u001b\[2K$/);
});

test('with JSON nobody is watching', () => {
  const { terminal, text } = open({ tty: true, json: true });
  terminal.hint('type this next');
  terminal.progress('Sending').show(0.5, 'half');
  terminal.object({ a: '\u001b' });
  expect(text()).toBe('{"a":"\\u001b"}\n');
});

test('commands in messages are shown as they are typed here', () => {
  const typed = (text: string): string => asTyped(text, 'npm run -s tocsin --');
  expect(typed('Start one with: tocsin up, then tocsin alerts show 4f')).toBe(
    'Start one with: npm run -s tocsin -- up, then npm run -s tocsin -- alerts show 4f',
  );
  expect(typed('\u001b[1mtocsin status\u001b[22m')).toContain('npm run -s tocsin -- status');
  for (const text of ['Tocsin up', './tocsin up', 'tocsin-data', 'tocsin is up']) expect(typed(text)).toBe(text);
  expect(asTyped('tocsin up', 'tocsin')).toBe('tocsin up');
});
