/** Error rows of the area `detect.*`. */
import type { ErrorTable } from './error-row.ts';

export const detectErrors = {} satisfies ErrorTable;
