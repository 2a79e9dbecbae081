/** Figures as text for a terminal. */
import { type Figure, reaches } from './figure.ts';
import type { Conditions } from './machine.ts';

/** The table of a run, its conditions below each figure. */
export function tableOf(conditions: Conditions, figures: readonly Figure[]): string {
  const rows = figures.map((figure) => [
    figure.figure,
    shown(figure.value),
    figure.unit,
    goalOf(figure),
    { true: 'reached', false: 'not reached' }[String(reaches(figure))] ?? '',
  ]);
  const head = ['figure', 'value', 'unit', 'goal', ''];
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === 1 ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  const body = rows.flatMap((row, i) => [line(row), ...detailsOf(figures[i]?.conditions ?? {})]);
  return [
    line(head),
    line(widths.map((width) => '─'.repeat(width))),
    ...body,
    '',
    'conditions',
    ...Object.entries(conditions).map(([name, value]) => `  ${name}: ${value}`),
    '',
  ].join('\n');
}

const LINE_CHARS = 110;

function detailsOf(conditions: Figure['conditions']): string[] {
  const lines: string[] = [];
  for (const part of Object.entries(conditions).map(([name, value]) => `${name.replaceAll('_', ' ')} ${value}`)) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + part.length < LINE_CHARS) lines[lines.length - 1] = `${last} · ${part}`;
    else lines.push(`    ${part}`);
  }
  return lines;
}

function goalOf({ goal }: Figure): string {
  if (goal === undefined) return '';
  return 'atLeast' in goal ? `≥ ${shown(goal.atLeast)}` : `≤ ${shown(goal.atMost)}`;
}

function shown(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toPrecision(3)));
}
