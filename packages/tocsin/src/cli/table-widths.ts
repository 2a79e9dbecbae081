/** How wide the columns of a table are on a terminal that is narrower than the table. */

/** Narrowest a column is made, in characters. */
const NARROWEST = 8;

/**
 * Widths that sum up to at most `total` where that is possible: whoever has most above its least gives first. `least` says how far a column
 * may be narrowed where that is more than the readable minimum.
 */
export function fitColumns(wanted: readonly number[], total: number, least: readonly (number | undefined)[] = []): number[] {
  const widths = [...wanted];
  const spare = (i: number): number => (widths[i] ?? 0) - (least[i] ?? NARROWEST);
  for (let excess = widths.reduce((sum, width) => sum + width, 0) - total; excess > 0; excess -= 1) {
    const widest = widths.reduce((best, _, i) => (spare(i) > spare(best) ? i : best), 0);
    if (spare(widest) <= 0) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}
