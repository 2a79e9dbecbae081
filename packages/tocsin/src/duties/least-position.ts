/** How far several have come together: what the slowest of them has reached. */
import { comparePositions } from '@tocsin/bus';
import type { Position } from '@tocsin/core';

/** The least of what each has reached; undefined where one has reached nothing, and where there is nobody. */
export function leastPosition(reached: readonly (Position | undefined)[]): Position | undefined {
  let least = reached[0];
  for (const one of reached) {
    if (one === undefined || least === undefined) return undefined;
    if (comparePositions(one, least) < 0) least = one;
  }
  return least;
}
