/** Settings of a webhook: which source its events belong to, how its sender signs, and with which secret. */
import { choice, duration, type SettingsOf, secret, settings, text } from '@tocsin/core/setting';

/** Ways of signing. */
const WEBHOOK_SCHEMES = ['github', 'slack', 'stripe', 'standard', 'okta', 'hmac'] as const;

/** Settings of one webhook; its name is the last part of its address. */
export const webhookSettings = settings({
  about: 'A service that posts events to `/webhooks/NAME`.',
  fields: {
    source: text({ about: 'Source that its events belong to. Without it the webhook’s own name.', optional: true, example: 'github' }),
    scheme: choice(WEBHOOK_SCHEMES, {
      about:
        'How the sender proves itself. github: X-Hub-Signature-256. slack: v0 signatures. stripe: `t=…,v1=…`. standard: Standard Webhooks (webhook-id, webhook-timestamp, webhook-signature). okta: a header with the secret, and the verification challenge. hmac: an HMAC of the body in a header.',
    }),
    secret: secret({ about: 'The secret shared with the sender: itself, or where it is, as env:NAME or file:PATH.' }),
    previousSecret: secret({ about: 'The secret before it was changed, accepted as long as it stands here.', optional: true }),
    header: text({
      about:
        'Header with the proof, for the schemes hmac, stripe and okta. Else the scheme’s own: x-signature, stripe-signature, authorization.',
      optional: true,
      pattern: '^[A-Za-z0-9-]{1,100}$',
      wants: 'the name of a header',
    }),
    algorithm: choice(['sha256', 'sha512'], { about: 'Hash of the scheme hmac.', default: 'sha256' }),
    encoding: choice(['hex', 'base64'], {
      about: 'How the scheme hmac writes its signature. A prefix such as `sha256=` is left out.',
      default: 'hex',
    }),
    tolerance: duration({ about: 'How old or new a signed time may be.', default: '5m', min: 1000, max: 3_600_000 }),
  },
});

/** What the settings of a webhook say. */
export type WebhookSettings = SettingsOf<typeof webhookSettings>;
