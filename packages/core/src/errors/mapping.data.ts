/** Error rows of the area `mapping.*`: mistakes in the files that say how records are read. */
import type { ErrorTable } from './error-row.ts';

export const mappingErrors = {
  'mapping.bad_file': {
    retry: 'never', http: 500, exit: 78,
    about: 'A mapping file is not what a mapping file must be.',
    say: (d: { path: string; line: number; reason: string }) => `${d.path}:${d.line}: ${d.reason}. No mapping was loaded. Correct the file.`,
  },
} satisfies ErrorTable;
