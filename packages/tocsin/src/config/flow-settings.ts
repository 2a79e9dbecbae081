/** Settings of flow control: quotas, what is kept and how much of it, and when somebody who reads is too far behind. */
import { bytes, count, duration, settings } from '@tocsin/core/setting';

/** Quotas of everybody for whom none was set. */
export const quotas = settings({
  about:
    'How much each tenant and each source may send where nothing else was set with `tocsin quotas set`. 0: no limit. Beyond it requests are answered 429 with Retry-After.',
  fields: {
    tenantEventsPerSecond: count({ about: 'Events per second of all sources of a tenant together.', default: 0, min: 0, max: 10_000_000 }),
    tenantBytesPerSecond: bytes({ about: 'Bytes of records per second of all sources of a tenant together.', default: '0B', min: 0 }),
    tenantStoredBytes: bytes({
      about:
        'Bytes of events kept for one tenant, as stored. Beyond it his oldest events that everybody has read are removed; while there are none, his requests are answered 429.',
      default: '0B',
      min: 0,
    }),
    sourceEventsPerSecond: count({ about: 'Events per second of one source.', default: 0, min: 0, max: 10_000_000 }),
    sourceBytesPerSecond: bytes({ about: 'Bytes of records per second of one source.', default: '0B', min: 0 }),
    burst: duration({ about: 'How much of its rate may come at once after a quiet time.', default: '5s', min: 1000, max: 3_600_000 }),
  },
});

/** Size limits and when the keeper removes. */
export const retention = settings({
  about:
    'What the log keeps. What everybody who must read it has read is removed by age, and before a stream reaches its size limit; what has not been read stays, and new events are refused at the limit.',
  fields: {
    matchesMaxBytes: bytes({ about: 'Size limit of the match steps.', default: '2GiB', min: 1 << 20 }),
    alertsMaxBytes: bytes({ about: 'Size limit of the alerts on the log.', default: '2GiB', min: 1 << 20 }),
    auditMaxBytes: bytes({ about: 'Size limit of the audit trail.', default: '1GiB', min: 1 << 20 }),
    deadLettersMaxBytes: bytes({ about: 'Size limit of dead letters.', default: '1GiB', min: 1 << 20 }),
    purgeAtPercent: count({
      about: 'Share of a size limit at which the oldest that was read is removed, in percent.',
      default: 85,
      min: 10,
      max: 95,
    }),
    purgeToPercent: count({ about: 'Share of a size limit down to which is removed, in percent.', default: 75, min: 5, max: 90 }),
    evictUnreadPercent: count({
      about:
        'Share of a size limit at which events that not everybody has read are removed too, in percent: from there on new events count for more than old ones. An alarm precedes it, and how many events of whom went is on the audit trail. 0: never, new events are refused at the limit.',
      default: 0,
      min: 0,
      max: 99,
    }),
    reserveBytes: bytes({
      about: 'Room on the disk of the data folder that events leave free: below it they are refused with 503.',
      default: '16MiB',
      min: 0,
    }),
    checkEvery: duration({ about: 'How often sizes and readers are looked at.', default: '2s', min: 100, max: 60_000 }),
  },
  rules: [
    {
      name: 'room between the two shares',
      breach: (value: { purgeAtPercent: number; purgeToPercent: number }) =>
        value.purgeToPercent < value.purgeAtPercent ? undefined : 'purgeToPercent must be less than purgeAtPercent',
    },
    {
      name: 'unread last',
      breach: (value: { purgeAtPercent: number; evictUnreadPercent: number }) =>
        value.evictUnreadPercent === 0 || value.evictUnreadPercent > value.purgeAtPercent
          ? undefined
          : 'evictUnreadPercent must be 0 or more than purgeAtPercent',
    },
  ],
});

/** Thresholds of lag. */
export const lag = settings({
  about: 'When somebody who reads the log is too far behind: `tocsin status` shows it, and beyond `critical` the installation is degraded.',
  fields: {
    warnAge: duration({ about: 'Age of the oldest unread message that is worth a warning.', default: '30s', min: 1000 }),
    criticalAge: duration({ about: 'Age of the oldest unread message that is too much.', default: '5m', min: 1000 }),
    warnEvents: count({ about: 'Unread events that are worth a warning. 0: as many as there may be.', default: 0, min: 0 }),
    criticalEvents: count({ about: 'Unread events that are too many. 0: as many as there may be.', default: 0, min: 0 }),
  },
  rules: [
    {
      name: 'warned before it is critical',
      breach: (value: { warnAge: number; criticalAge: number }) =>
        value.warnAge <= value.criticalAge ? undefined : 'warnAge must not be longer than criticalAge',
    },
  ],
});
