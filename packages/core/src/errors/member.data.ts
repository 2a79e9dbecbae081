/** Error rows of the members of an installation: processes that share its duties (`member.*`). */
import type { ErrorTable } from './error-row.ts';

export const memberErrors = {
  'member.replaced': {
    retry: 'never', http: 409, exit: 73,
    about: 'Another process has taken the place of this one under the same member name.',
    say: (d: { member: string }) =>
      `Another process runs as member ${d.member} now. This one has stopped matching and correlating; nothing is lost. Give each process a data folder of its own.`,
  },
} as const satisfies ErrorTable;
