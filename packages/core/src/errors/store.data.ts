/** Error rows of the area `store.*`. */
import type { ErrorTable } from './error-row.ts';

export const storeErrors = {} satisfies ErrorTable;
