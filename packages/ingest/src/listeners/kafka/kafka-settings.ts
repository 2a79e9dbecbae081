/** Settings of a Kafka source. */
import { choice, flag, list, type SettingsOf, secret, settings, text } from '@tocsin/core/setting';
import { clientTls, pullLimits } from '../pull/pull-settings.ts';

const BROKER = '^(\\[[0-9A-Fa-f:.]+\\]|[A-Za-z0-9._-]+):[0-9]{1,5}$';

/** One listener of kind `kafka`. */
export const kafkaSettings = settings({
  about:
    'Reads topics of a Kafka cluster as a member of a consumer group. Offsets are committed when their records are durable; while they cannot be stored reading pauses and the membership stays.',
  fields: {
    brokers: list(text({ about: 'Address.', pattern: BROKER, maxLength: 300, wants: 'host:port' }), {
      about: 'Brokers to ask first. They name the others, which must be reachable too.',
      default: ['127.0.0.1:9092'],
      maxItems: 100,
      example: '[kafka1.example:9092, kafka2.example:9092]',
    }),
    topics: list(text({ about: 'Name.', pattern: '^[A-Za-z0-9._-]{1,249}$', wants: 'the name of a topic' }), {
      about: 'Topics, by their full names. They must exist.',
      maxItems: 100,
      example: '[audit]',
    }),
    group: text({ about: 'Consumer group. Listeners with the same group share the partitions.', default: 'tocsin', maxLength: 200 }),
    from: choice(['earliest', 'latest'], {
      about: 'Where a group without offsets begins, and where reading goes on when the cluster has deleted what was to come.',
      default: 'earliest',
    }),
    useTls: flag({ about: 'Speak TLS.', default: false }),
    tls: clientTls,
    mechanism: choice(['none', 'plain', 'scram-sha-256', 'scram-sha-512'], { about: 'SASL mechanism.', default: 'none' }),
    username: text({ about: 'User of SASL.', optional: true }),
    password: secret({ about: 'Its password.', optional: true, example: '${env:KAFKA_PASSWORD}' }),
    ...pullLimits,
  },
  rules: [
    {
      name: 'who logs in',
      breach: (value: { mechanism: string; username?: string | undefined; password?: unknown }) =>
        (value.mechanism !== 'none') === (value.username !== undefined && value.password !== undefined)
          ? undefined
          : 'mechanism needs username and password, and they need it',
    },
    {
      name: 'brokers and topics',
      breach: (value: { brokers: readonly string[]; topics: readonly string[] }) =>
        value.brokers.length === 0 || value.topics.length === 0 ? 'give at least one broker and one topic' : undefined,
    },
  ],
});

/** What the settings say. */
export type KafkaSettings = SettingsOf<typeof kafkaSettings>;
