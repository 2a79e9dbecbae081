/** Error rows of the area `listener.*`: doors other than the events route. */
import type { ErrorTable } from './error-row.ts';

export const listenerErrors = {
  'listener.cannot_open': {
    retry: 'never', http: 500, exit: 78,
    about: 'A listener cannot be opened: its address is taken, its certificate cannot be read, or what it reads is not there.',
    say: (d: { listener: string; address: string; reason: string }) =>
      `Listener ${d.listener} cannot be opened on ${d.address}: ${d.reason}. Tocsin was not started. Correct it in the settings under "listeners", or free the address, and start again.`,
  },
  'listener.source_unknown': {
    retry: 'later', http: 503, exit: 78,
    about: 'A listener is bound by the settings to a source that is not registered or was revoked.',
    say: (d: { listener: string; source: string; tenant: string }) =>
      `Listener ${d.listener} is bound to source ${d.source} of tenant ${d.tenant}, which is not registered or was revoked. What it sends is refused. Register it with: tocsin sources add ${d.source}`,
  },
} satisfies ErrorTable;
