/** Settings of the sinks: where alerts are sent to. */
import { choice, duration, flag, list, named, secret, settings, text } from '@tocsin/core/setting';

const webhook = settings({
  about: 'A web address that is told every change of an alert: docs/how-to/send-alerts.md.',
  fields: {
    url: text({ about: 'http or https address.', maxLength: 2048, example: 'https://hooks.example.com/tocsin' }),
    tenant: text({ about: 'Whose alerts.', default: 'default', maxLength: 128 }),
    minSeverity: choice(['informational', 'low', 'medium', 'high', 'critical'], {
      about: 'Least severity that is sent.',
      default: 'medium',
    }),
    origins: list(choice(['live', 'catch-up', 'redrive', 'restored'], { about: 'An origin.' }), {
      about: 'Of what origin alerts, and changes of alerts, are sent: by default only what is found as it happens.',
      default: ['live'],
      maxItems: 4,
    }),
    secret: secret({
      about: 'Key of the signature; not signed without. A reference is safer than the text.',
      example: 'env:TOCSIN_WEBHOOK_SECRET',
      optional: true,
    }),
    timeout: duration({ about: 'How long an answer may take.', default: '10s', min: 100, max: 60_000 }),
    allowPrivate: flag({ about: 'Whether the address may be a private one, of your own networks or of this machine.', default: false }),
  },
});

/** Where alerts are sent to. */
export const sinks = settings({
  about: 'Where alerts are sent to.',
  fields: { webhooks: named(webhook, { about: 'Webhooks by name, of letters, digits and hyphens.', maxEntries: 100 }) },
  rules: [
    {
      name: 'webhook names',
      breach: ({ webhooks }) => {
        const wrong = Object.keys(webhooks).find((name) => !/^[A-Za-z0-9-]{1,64}$/.test(name));
        return wrong === undefined
          ? undefined
          : `the name of webhook ${JSON.stringify(wrong)} has other characters than letters, digits and hyphens`;
      },
    },
  ],
});
