/** What the program says about itself. */
import { choice, settings } from '@tocsin/core/setting';

/** The section `log`. */
export const log = settings({
  about: 'What Tocsin says about itself, as JSON lines on standard error.',
  fields: {
    level: choice(['debug', 'info', 'warn', 'error', 'silent'], { about: 'Least level that is written.', default: 'info' }),
  },
});
