/** Settings of a syslog listener. */
import { bytes, choice, port, type SettingsOf, settings, text } from '@tocsin/core/setting';
import { peerBindingSettings } from '../peer-bindings.ts';
import { spoolSettings } from '../spool/producer-spool.ts';
import { streamLimits } from '../stream-door.ts';
import { listenerTls } from '../tls-settings.ts';

/** One listener of kind `syslog`. */
export const syslogSettings = settings({
  about:
    'Takes RFC 5424, RFC 3164 and what devices make of them. Over TCP and TLS messages are counted or lines (RFC 6587), told by how a connection begins. Syslog has no acknowledgements: while events cannot be stored they wait on disk; when that is full nothing is read from TCP and TLS, and datagrams that find no room are lost and counted.',
  fields: {
    transport: choice(['udp', 'tcp', 'tls'], { about: 'How messages come.', default: 'tcp' }),
    host: text({ about: 'Address to listen on.', default: '127.0.0.1', example: '0.0.0.0' }),
    port: port({ about: 'Port; 0 takes any free one. Ports below 1024 need the right to bind them.', default: 5514 }),
    tls: listenerTls,
    sources: peerBindingSettings,
    maxMessageBytes: bytes({ about: 'Longest message. A longer one is rejected and counted.', default: '64KiB', min: 480, max: 1 << 20 }),
    maxInFlightBytes: bytes({
      about:
        'Bytes held until they are stored, all connections together. At the mark nothing is read from connections, datagrams are dropped.',
      default: '64MiB',
      min: 1 << 20,
    }),
    maxInFlightBytesPerConnection: bytes({ about: 'The same for one connection.', default: '8MiB', min: 64 << 10 }),
    receiveBufferBytes: bytes({
      about: 'Buffer of the kernel for datagrams. The kernel gives no more than its own limit (net.core.rmem_max).',
      default: '8MiB',
      min: 4096,
      max: 1 << 30,
    }),
    ...spoolSettings,
    ...streamLimits,
  },
  rules: [
    {
      name: 'a certificate for TLS',
      breach: (value: { transport: string; tls: { cert?: string | undefined } }) =>
        value.transport === 'tls' && value.tls.cert === undefined ? 'transport tls needs tls.cert and tls.key' : undefined,
    },
    {
      name: 'client certificates need TLS',
      breach: (value: { transport: string; sources: Readonly<Record<string, { clients: readonly string[] }>> }) =>
        value.transport !== 'tls' && Object.values(value.sources).some(({ clients }) => clients.length > 0)
          ? 'sources.*.clients needs transport tls'
          : undefined,
    },
  ],
});

/** What the settings say. */
export type SyslogSettings = SettingsOf<typeof syslogSettings>;
