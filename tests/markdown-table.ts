/** Rows of plain values as a Markdown table. */

/** The first row's members are the columns. */
export function markdownTable(rows: readonly Record<string, unknown>[]): string {
  const columns = Object.keys(rows[0] ?? {});
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(columns), line(columns.map(() => '---')), ...rows.map((row) => line(columns.map((column) => cell(row[column]))))].join('\n');
}

function cell(value: unknown): string {
  return typeof value === 'number' ? value.toLocaleString('en-GB', { maximumFractionDigits: 3 }) : String(value ?? '–');
}
