/** Error rows of the area `flow.*`: what holds senders back so that everybody else goes on. */
import type { ErrorTable } from './error-row.ts';

export const flowErrors = {
  'flow.over_quota': {
    retry: 'later', http: 429, exit: 75,
    about: 'A source or a tenant sends more than its quota allows.',
    say: (d: { whose: string; what: string; limit: string; retryAfterMs: number }) =>
      `${d.whose} is beyond its quota of ${d.limit} (${d.what}). Nothing of this request was stored. Send it again after ${Math.ceil(d.retryAfterMs / 1000)} s with the same ids.`,
  },
  'flow.tenant_full': {
    retry: 'later', http: 429, exit: 75,
    about: 'What a tenant has stored reaches its byte quota, and not enough of it could be removed yet.',
    say: (d: { tenant: string; storedBytes: number; maxBytes: number; retryAfterMs: number }) =>
      `Tenant ${d.tenant} has ${d.storedBytes} of its ${d.maxBytes} bytes stored; what everybody has read is being removed. Nothing of this request was stored. Send it again later with the same ids, or have the quota raised.`,
  },
  'flow.disk_low': {
    retry: 'later', http: 503, exit: 75,
    about: 'The disk of the data folder has less room than is kept in reserve.',
    say: (d: { freeBytes: number; reserveBytes: number; retryAfterMs: number }) =>
      `The disk has ${d.freeBytes} bytes left, less than the ${d.reserveBytes} that are kept in reserve. Nothing of this request was stored. Make room on the disk, then send it again with the same ids.`,
  },
  'flow.store_stalled': {
    retry: 'later', http: 503, exit: 75,
    about: 'The bus has left a commit without an answer; until one is answered again, others are refused at once instead of waiting as long.',
    say: (d: { sinceMs: number; retryAfterMs: number }) =>
      `The bus has not answered a commit for ${d.sinceMs} ms. Nothing of this request was stored. Send it again later with the same ids. If it lasts, the log of nats-server says why: after a write that failed it answers nothing until it is restarted.`,
  },
  'flow.bad_quota': {
    retry: 'never', http: 400, exit: 64,
    about: 'A quota asked for cannot be one.',
    say: (d: { reason: string }) => `The quota was not set: ${d.reason}. The former one stays in force.`,
  },
} satisfies ErrorTable;
