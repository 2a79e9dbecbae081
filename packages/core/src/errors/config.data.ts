/** Error rows of the area `config.*`. */
import type { ErrorTable } from './error-row.ts';

export const configErrors = {} satisfies ErrorTable;
