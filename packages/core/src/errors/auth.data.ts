/** Error rows of the area `auth.*`. */
import type { ErrorTable } from './error-row.ts';

export const authErrors = {} satisfies ErrorTable;
