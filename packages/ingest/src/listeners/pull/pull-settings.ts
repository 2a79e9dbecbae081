/** Settings that the pulling kinds share: whose records they are, bounds, and TLS towards the broker. */

import { readFile } from 'node:fs/promises';
import { type ConnectionOptions, createSecureContext } from 'node:tls';
import { messageOf } from '@tocsin/core';
import { bytes, type SettingsOf, settings, text } from '@tocsin/core/setting';
import { cannotOpen } from '../tls-settings.ts';

/** Whose records they are, and how many bytes are held. */
export const pullLimits = {
  source: text({ about: 'Registered source, or `tenant/source`, whose records these are.', example: 'orders' }),
  maxRecordBytes: bytes({
    about: 'Longest record. A longer one is rejected and counted, and reading goes on.',
    default: '1MiB',
    min: 1024,
    max: 16 << 20,
  }),
  maxInFlightBytes: bytes({
    about: 'Bytes held until they are stored. At the mark nothing more is read; the broker keeps it.',
    default: '32MiB',
    min: 1 << 20,
  }),
};

/** Settings `tls` of a client. */
export const clientTls = settings({
  about: "Whom to trust, and this client's certificate; for useTls. The server's name is always checked.",
  fields: {
    ca: text({ about: "PEM file of authorities; without it the system's.", optional: true, example: '/etc/tocsin/broker-ca.crt' }),
    cert: text({ about: "PEM file of this client's certificate chain.", optional: true }),
    key: text({ about: 'PEM file of its private key.', optional: true }),
    serverName: text({ about: 'Name in the certificate of the server, where it is not the one connected to.', optional: true }),
  },
  rules: [
    {
      name: 'certificate and key together',
      breach: (value: { cert?: string | undefined; key?: string | undefined }) =>
        (value.cert === undefined) === (value.key === undefined) ? undefined : 'cert and key must be given together',
    },
  ],
});

/** TLS options of a client. @throws listener.cannot_open where a file cannot be read or is none */
export async function readClientTls(
  tls: SettingsOf<typeof clientTls>,
  listener: { name: string; address: string },
): Promise<ConnectionOptions> {
  const options: ConnectionOptions = { minVersion: 'TLSv1.2', rejectUnauthorized: true };
  try {
    for (const name of ['ca', 'cert', 'key'] as const) {
      const path = tls[name];
      if (path !== undefined) options[name] = await readFile(path);
    }
    createSecureContext(options);
  } catch (cause) {
    const reason = messageOf(cause);
    throw cannotOpen(listener, `its certificate, key or authorities are not usable (${reason})`, cause);
  }
  return tls.serverName === undefined ? options : { ...options, servername: tls.serverName };
}
