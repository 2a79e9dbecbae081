/** How wide the columns of a table are on a terminal that is narrower than the table. */

/** Narrowest a column is made, in characters. */
const NARROWEST = 8;

/** Widths that sum up to at most `total` where that is possible: the widest columns give first, none below a readable least. */
export function fitColumns(wanted: readonly number[], total: number): number[] {
  const widths = [...wanted];
  let excess = widths.reduce((sum, width) => sum + width, 0) - total;
  while (excess > 0) {
    const widest = widths.indexOf(Math.max(...widths));
    const width = widths[widest] ?? 0;
    if (width <= NARROWEST) break;
    const second = Math.max(NARROWEST, ...widths.filter((_, i) => i !== widest));
    const give = Math.min(excess, Math.max(1, width - second), width - NARROWEST);
    widths[widest] = width - give;
    excess -= give;
  }
  return widths;
}
