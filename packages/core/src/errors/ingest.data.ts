/** Error rows of the area `ingest.*`. */
import type { ErrorTable } from './error-row.ts';

export const ingestErrors = {} satisfies ErrorTable;
