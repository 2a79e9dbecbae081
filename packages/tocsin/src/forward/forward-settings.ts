/** Settings of a forwarder: `forward.yml` of its data folder. What it reads are listeners, as an installation has them. */
import { bytes, named, type SettingsOf, secret, settings, text } from '@tocsin/core/setting';
import { clientTls } from '@tocsin/ingest';
import { listenerSettings } from '../config/listener-settings.ts';
import { log } from '../config/log-settings.ts';

const source = settings({
  about: 'A source as it is registered there.',
  fields: {
    token: secret({
      about: 'Its credential: the token itself, `env:NAME` or `file:PATH`.',
      example: 'file:/etc/tocsin/web01.token',
    }),
  },
});

/** Everything a forwarder is told. */
export const forwardSettings = settings({
  about: 'Settings of `tocsin forward`: forward.yml in its data folder, overridden by the command line.',
  fields: {
    url: text({
      about: 'Address of the installation to send to.',
      pattern: '^https?://',
      wants: 'an address',
      example: 'https://tocsin.example:7514',
    }),
    tls: clientTls,
    sources: named(source, { about: 'Credentials, by the names under which the listeners name their sources.', maxEntries: 1000 }),
    spoolMaxBytes: bytes({
      about: 'Disk for what was taken in and not sent on yet, all sources together. At the limit no more is taken in.',
      default: '500MB',
      min: 1 << 20,
    }),
    listeners: listenerSettings,
    log,
  },
  rules: [
    {
      name: 'no credential in the clear',
      breach: ({ url }: { url: string }) =>
        url.startsWith('https:') || isLoopbackUrl(url) ? undefined : `${url} would carry credentials and events in the clear: use https`,
    },
  ],
});

/** What the settings say. */
export type ForwardSettings = SettingsOf<typeof forwardSettings>;

function isLoopbackUrl(url: string): boolean {
  const host = URL.canParse(url) ? new URL(url).hostname : '';
  return host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}
