/** Settings of a listener of MQTT. */
import { bytes, count, duration, flag, port, type SettingsOf, settings, text } from '@tocsin/core/setting';
import { peerBindingSettings } from '../peer-bindings.ts';
import { streamLimits } from '../stream-door.ts';
import { listenerTls } from '../tls-settings.ts';

/** One listener of kind `mqtt`. */
export const mqttSettings = settings({
  about:
    'Takes what devices publish over MQTT 3.1.1 and 5, at QoS 0, 1 and 2. The password of a device is its source’s token, or `sources` knows it by its certificate. A message is acknowledged when its event is durable.',
  fields: {
    host: text({ about: 'Address to listen on.', default: '127.0.0.1', example: '0.0.0.0' }),
    port: port({ about: 'TCP port; 0 takes any free one. Customary over TLS: 8883.', default: 1883 }),
    useTls: flag({ about: 'Speak TLS; needs tls.cert and tls.key. Without it tokens can be read on the way.', default: false }),
    tls: listenerTls,
    sources: peerBindingSettings,
    topicPrefix: text({
      about:
        'What every topic and every subscription of a device must begin with, before a slash. `{source}` stands for the name of its source, `{tenant}` for its tenant.',
      default: '{source}',
      example: 'devices/{source}',
      pattern: '^[^+#\\u0000$/][^+#\\u0000]*[^+#\\u0000/]$',
    }),
    maxPacketBytes: bytes({ about: 'Longest packet. Who sends a longer one is disconnected.', default: '1MiB', min: 1024, max: 1 << 20 }),
    receiveMaximum: count({
      about: 'Messages of one connection that wait to be stored; then nothing is read from it.',
      default: 64,
      min: 1,
      max: 65_535,
    }),
    topicAliasMaximum: count({ about: 'Topic aliases that a device of version 5 may define.', default: 32, min: 0, max: 1024 }),
    maxInFlightBytes: bytes({
      about: 'Bytes held until they are stored, all connections together; at the mark nothing is read.',
      default: '64MiB',
      min: 1 << 20,
    }),
    maxInFlightBytesPerConnection: bytes({ about: 'The same for one connection.', default: '1MiB', min: 4096 }),
    maxSessions: count({
      about: 'Sessions kept, connected or not. Beyond it one ends of the source that has most, the one longest gone.',
      default: 10_000,
      min: 1,
      max: 1_000_000,
    }),
    sessionExpiry: duration({ about: 'Longest time that a session is kept for a device that has gone.', default: '1d', min: 1000 }),
    keepSessions: flag({ about: 'Keep sessions, what waits for devices, and retained messages on disk, over restarts.', default: true }),
    maxSubscriptions: count({ about: 'Topic filters of one session.', default: 32, min: 1, max: 1024 }),
    maxQueuedMessages: count({
      about: 'Messages that wait for one device. Beyond it new ones are dropped and counted.',
      default: 100,
      min: 1,
      max: 65_535,
    }),
    maxRetainedMessages: count({ about: 'Retained messages of one source.', default: 256, min: 0, max: 100_000 }),
    maxDownlinkBytes: bytes({
      about: 'Bytes of waiting and retained messages, all sources together. One source has at most as much of it as is free beside.',
      default: '64MiB',
      min: 64 << 10,
    }),
    ...streamLimits,
  },
  rules: [
    {
      name: 'a certificate for TLS',
      breach: (value: { useTls: boolean; tls: { cert?: string | undefined } }) =>
        value.useTls && value.tls.cert === undefined ? 'useTls needs tls.cert and tls.key' : undefined,
    },
  ],
});

/** What the settings say. */
export type MqttSettings = SettingsOf<typeof mqttSettings>;
