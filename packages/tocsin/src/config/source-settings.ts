/** Settings of sources as a whole: rotation of credentials, silence, and the key of hashed and tokenised fields. */
import { duration, flag, secret, settings } from '@tocsin/core/setting';

const silence = settings({
  about:
    'When a source that has sent before is silent: docs/how-to/sources.md. A source may have its own times, or none, with `tocsin sources set NAME --silence`.',
  fields: {
    alerts: flag({ about: 'Raise alerts on silent sources of the live lane.', default: true }),
    first: duration({ about: 'Silence after which an alert of medium severity is raised.', default: '10m', min: 1000, max: 2_592_000_000 }),
    second: duration({
      about: 'Silence after which that alert becomes one of high severity.',
      default: '60m',
      min: 1000,
      max: 2_592_000_000,
    }),
    checkEvery: duration({ about: 'How often sources are looked at.', default: '15s', min: 100, max: 600_000 }),
  },
  rules: [
    {
      name: 'one after the other',
      breach: (value: { first: number; second: number }) => (value.first < value.second ? undefined : 'first must be shorter than second'),
    },
  ],
});

/** Section `sources`. */
export const sources = settings({
  about: 'What holds for all sources where nothing else was set for one.',
  fields: {
    rotationGrace: duration({
      about: 'How long the former credential of a source is accepted after a new one was made with `tocsin sources rotate`.',
      default: '1d',
      min: 0,
      max: 2_592_000_000,
    }),
    silence,
    privacyKey: secret({
      about:
        'Key under which fields are hashed and tokenised before they are stored, at least 16 characters. With another key the same value gives another hash. Better a reference than the text.',
      example: 'env:TOCSIN_PRIVACY_KEY',
      optional: true,
    }),
  },
});
