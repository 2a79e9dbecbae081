/** Settings of a NATS that others run: where it is, how to log in, what is asked of it. */
import { choice, count, list, secret, settings, text } from '@tocsin/core/setting';

/** Section `bus.external`. */
export const externalBusSettings = settings({
  about:
    'A NATS server or cluster that others run, in place of the embedded one. Several processes that name the same one are one installation: they share its duties. It must be 2.14.3 or newer, with JetStream and `max_payload` of 2 MiB or more.',
  fields: {
    servers: list(text({ about: 'Address of a server, such as `nats://nats.example:4222`; `tls://` where it speaks TLS.' }), {
      about: 'Servers to connect to, several of a cluster. Empty: the embedded one is run.',
      default: [],
      maxItems: 16,
    }),
    credsFile: text({
      about: 'Credentials file with JWT and seed, as `nsc generate creds` writes it.',
      optional: true,
      example: '/etc/tocsin/bus.creds',
    }),
    nkeyFile: text({ about: 'File with the seed of a user key (nkey).', optional: true, example: '/etc/tocsin/bus.nk' }),
    token: secret({ about: 'Token to log in with.', optional: true, example: '${env:TOCSIN_BUS_TOKEN}' }),
    user: text({ about: 'User name to log in with.', optional: true }),
    password: secret({ about: 'Password of that user.', optional: true, example: '${env:TOCSIN_BUS_PASSWORD}' }),
    tlsCa: text({
      about: 'PEM file of the authorities that sign the servers’ certificates; without it those of the system.',
      optional: true,
      example: '/etc/tocsin/bus-ca.crt',
    }),
    tlsCert: text({ about: 'PEM file of the client certificate to show.', optional: true }),
    tlsKey: text({ about: 'PEM file of its private key.', optional: true }),
    inboxPrefix: text({ about: 'Prefix of the inboxes that the login may listen on.', default: '_INBOX' }),
    replicas: count({ about: 'Servers that keep each stream. 3 needs a cluster of three or more.', default: 1, min: 1, max: 5 }),
    durability: choice(['process', 'fsync'], {
      about:
        'What an acknowledgement of these servers survives, as their operators have configured it: `fsync` with `sync_interval: always`, else `process`. Shown with every status; checked where `monitor` is given.',
      default: 'process',
    }),
    monitor: text({
      about: 'Address of the monitoring port of one of them, to see how it syncs.',
      optional: true,
      example: 'http://nats.example:8222',
    }),
  },
  rules: [
    {
      name: 'one way to log in',
      breach: (value: { credsFile?: string | undefined; nkeyFile?: string | undefined; token?: unknown; user?: string | undefined }) =>
        [value.credsFile, value.nkeyFile, value.token, value.user].filter((one) => one !== undefined).length > 1
          ? 'credsFile, nkeyFile, token and user exclude one another'
          : undefined,
    },
    {
      name: 'certificate and key together',
      breach: (value: { tlsCert?: string | undefined; tlsKey?: string | undefined }) =>
        (value.tlsCert === undefined) === (value.tlsKey === undefined) ? undefined : 'tlsCert and tlsKey must be given together',
    },
  ],
});
