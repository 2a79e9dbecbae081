/** Settings of a listener of the Fluentd forward protocol. */
import { bytes, flag, named, port, type SettingsOf, secret, settings, text } from '@tocsin/core/setting';
import { peerBindingSettings } from '../peer-bindings.ts';
import { streamLimits } from '../stream-door.ts';
import { listenerTls } from '../tls-settings.ts';

const senders = named(
  settings({
    about: 'Binds a shared key to a source.',
    fields: {
      source: text({ about: 'Registered source, or `tenant/source`.', example: 'kubernetes' }),
      sharedKey: secret({ about: 'Key that the sender proves to know, `shared_key` in its settings.' }),
      username: text({ about: 'User whom the sender must name as well.', optional: true }),
      password: secret({ about: 'Password of that user.', optional: true }),
    },
    rules: [
      {
        name: 'username and password together',
        breach: (value: { username?: string | undefined; password?: unknown }) =>
          (value.username === undefined) === (value.password === undefined) ? undefined : 'username and password must be given together',
      },
    ],
  }),
  { about: 'Who may send, by a shared key. With any, every client must shake hands; then `sources` must be empty.', maxEntries: 1000 },
);

/** One listener of kind `forward`. */
export const forwardSettings = settings({
  about:
    'Takes what Fluentd, Fluent Bit and their loggers forward: all four modes, gzip and zstd, handshake and acknowledgements. A chunk is acknowledged when its events are durable (`require_ack_response` in the sender).',
  fields: {
    host: text({ about: 'Address to listen on.', default: '127.0.0.1', example: '0.0.0.0' }),
    port: port({ about: 'TCP port; 0 takes any free one.', default: 24_224 }),
    useTls: flag({ about: 'Speak TLS; needs tls.cert and tls.key.', default: false }),
    tls: listenerTls,
    senders,
    sources: peerBindingSettings,
    maxRecordBytes: bytes({
      about: 'Longest record, as JSON. A longer one is rejected and counted.',
      default: '1MiB',
      min: 1024,
      max: 1 << 20,
    }),
    maxMessageBytes: bytes({
      about: 'Longest message (Fluentd: chunk_limit_size), as sent. A sender of a longer one is disconnected.',
      default: '16MiB',
      min: 4096,
      max: 256 << 20,
    }),
    maxInflatedBytes: bytes({ about: 'The same after decompression.', default: '64MiB', min: 4096, max: 1 << 30 }),
    maxInFlightBytes: bytes({
      about: 'Bytes held until they are stored, all connections together; at the mark nothing is read.',
      default: '64MiB',
      min: 1 << 20,
    }),
    maxInFlightBytesPerConnection: bytes({ about: 'The same for one connection.', default: '8MiB', min: 64 << 10 }),
    ...streamLimits,
  },
  rules: [
    {
      name: 'a certificate for TLS',
      breach: (value: { useTls: boolean; tls: { cert?: string | undefined } }) =>
        value.useTls && value.tls.cert === undefined ? 'useTls needs tls.cert and tls.key' : undefined,
    },
    {
      name: 'senders or sources',
      breach: (value: { senders: object; sources: object }) =>
        Object.keys(value.senders).length > 0 === Object.keys(value.sources).length > 0
          ? 'give senders or sources, one of them'
          : undefined,
    },
  ],
});

/** What the settings say. */
export type ForwardSettings = SettingsOf<typeof forwardSettings>;
