/** Settings of a Redis streams source. */
import { choice, count, duration, flag, list, port, type SettingsOf, secret, settings, text } from '@tocsin/core/setting';
import { clientTls, pullLimits } from '../pull/pull-settings.ts';

/** One listener of kind `redis`. */
export const redisSettings = settings({
  about:
    'Reads streams of one Redis (or Valkey) server, 6.2 or newer, as a member of a consumer group. Entries are acknowledged when they are durable; those of members that died are claimed. While they cannot be stored nothing is read. Sentinel and cluster are not spoken.',
  fields: {
    host: text({
      about: 'Name or address of the server.',
      default: '127.0.0.1',
      pattern: '^[A-Za-z0-9._:-]{1,253}$',
      wants: 'a host name or address',
    }),
    port: port({ about: 'Its port.', default: 6379 }),
    database: count({ about: 'Number of the database.', default: 0, max: 65_535 }),
    streams: list(text({ about: 'Key of a stream.', maxLength: 512 }), { about: 'Keys of streams.', maxItems: 100, example: '[audit]' }),
    group: text({ about: 'Consumer group; made where it is not there.', default: 'tocsin', maxLength: 200 }),
    from: choice(['earliest', 'latest'], { about: 'Where a group begins that is made.', default: 'earliest' }),
    field: text({
      about: 'Field of an entry that holds the record. Without it the record is an object of all its fields.',
      optional: true,
      example: 'event',
    }),
    claimAfter: duration({
      about: 'Entries that another member took and has not acknowledged for this long are claimed.',
      default: '1m',
      min: 1_000,
      max: 86_400_000,
    }),
    useTls: flag({ about: 'Speak TLS.', default: false }),
    tls: clientTls,
    username: text({ about: 'User, where the server has users (ACL).', optional: true }),
    password: secret({ about: 'Password.', optional: true, example: '${env:REDIS_PASSWORD}' }),
    ...pullLimits,
  },
  rules: [
    {
      name: 'streams',
      breach: (value: { streams: readonly string[] }) =>
        value.streams.length === 0 || new Set(value.streams).size < value.streams.length
          ? 'give at least one stream, each once'
          : undefined,
    },
    {
      name: 'password of the user',
      breach: (value: { username?: string | undefined; password?: unknown }) =>
        value.username !== undefined && value.password === undefined ? 'username needs password' : undefined,
    },
  ],
});

/** What the settings say. */
export type RedisSettings = SettingsOf<typeof redisSettings>;
