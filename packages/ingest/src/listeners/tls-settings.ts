/** The certificate of a listener, and whose client certificates it trusts: one group of settings for all kinds, and reading its files. */
import { readFile, stat } from 'node:fs/promises';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { messageOf, TocsinError } from '@tocsin/core';
import { type SettingsOf, settings, text } from '@tocsin/core/setting';

/** Settings `tls` of a listener. */
export const listenerTls = settings({
  about: 'Certificate of this listener, TLS 1.2 or newer.',
  fields: {
    cert: text({ about: 'PEM file of the certificate chain.', optional: true, example: '/etc/tocsin/tls.crt' }),
    key: text({ about: 'PEM file of the private key.', optional: true, example: '/etc/tocsin/tls.key' }),
    ca: text({
      about: 'PEM file of the authorities whose client certificates are trusted.',
      optional: true,
      example: '/etc/tocsin/clients-ca.crt',
    }),
  },
  rules: [
    {
      name: 'certificate and key together',
      breach: (value: { cert?: string | undefined; key?: string | undefined }) =>
        (value.cert === undefined) === (value.key === undefined) ? undefined : 'cert and key must be given together',
    },
  ],
});

/** What the settings `tls` say. */
export type ListenerTls = SettingsOf<typeof listenerTls>;

/** Certificate, key and authorities for a TLS server. @throws listener.cannot_open where a file cannot be read or is none */
export async function readListenerTls(tls: ListenerTls, listener: { name: string; address: string }): Promise<SecureContextOptions> {
  const read = async (path: string | undefined, what: string): Promise<Buffer | undefined> => {
    try {
      return path === undefined ? undefined : await readFile(path);
    } catch (cause) {
      throw cannotOpen(listener, `${what} ${path} cannot be read (${messageOf(cause)})`, cause);
    }
  };
  const [cert, key, ca] = [await read(tls.cert, 'certificate'), await read(tls.key, 'key'), await read(tls.ca, 'authorities')];
  const options: SecureContextOptions = { minVersion: 'TLSv1.2', ...(cert && { cert }), ...(key && { key }), ...(ca && { ca }) };
  try {
    createSecureContext(options);
  } catch (cause) {
    throw cannotOpen(listener, `its certificate, key or authorities are not usable (${messageOf(cause)})`, cause);
  }
  return options;
}

/**
 * Says, each time it is asked, whether a file of a listener's TLS has changed since, and if so reads all of them anew: certificates are
 * replaced while agents are connected. Rejects where the new ones are not usable; the listener keeps the old ones then.
 */
export function createTlsRenewal(
  tls: ListenerTls,
  listener: { name: string; address: string },
): () => Promise<SecureContextOptions | undefined> {
  let known: string | undefined;
  return async () => {
    const paths = [tls.cert, tls.key, tls.ca].filter((path) => path !== undefined);
    const stats = await Promise.all(paths.map((path) => stat(path)));
    const found = stats.map(({ ino, size, mtimeMs }) => `${ino} ${size} ${mtimeMs}`).join();
    const before = known;
    known = found;
    return before === undefined || before === found ? undefined : readListenerTls(tls, listener);
  };
}

/** Why a listener cannot be opened. */
export function cannotOpen(listener: { name: string; address: string }, reason: string, cause?: unknown): TocsinError {
  return new TocsinError('listener.cannot_open', { listener: listener.name, address: listener.address, reason }, { cause });
}
