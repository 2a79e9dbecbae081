/**
 * As whom to connect to a NATS server that others run, and how its connection is secured. Everything is plain data, so that it can cross
 * into a thread; what it was read from is not here.
 */
import type { ConnectionOptions } from '@nats-io/transport-node';
import { credsAuthenticator, nkeyAuthenticator } from './nkey.ts';

/** What is shown to the server: one of token, user and password, nkey seed, or the text of a credentials file with JWT and seed. */
export interface BusLogin {
  readonly token?: string | undefined;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly seed?: string | undefined;
  readonly creds?: string | undefined;
}

/** TLS of the connection, PEM texts. With an empty one the system's authorities are trusted. */
export interface BusTls {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/** Options of the connection for a login. @throws RangeError where a seed or a credentials text is none */
export function loginOptions({ token, user, password, seed, creds }: BusLogin): ConnectionOptions {
  if (creds !== undefined) return { authenticator: credsAuthenticator(creds) };
  if (seed !== undefined) return { authenticator: nkeyAuthenticator(seed) };
  if (user !== undefined) return { user, pass: password ?? '' };
  return token === undefined ? {} : { token };
}

/** Options of the connection for servers and TLS: `tls://` in an address asks for TLS by itself. */
export function serverOptions(servers: string | readonly string[], tls: BusTls | undefined): ConnectionOptions {
  const given = typeof servers === 'string' ? [servers] : servers;
  const wantsTls = tls !== undefined || given.some((server) => server.startsWith('tls://'));
  const list = given.map((server) => server.replace(/^(nats|tls):\/\//, ''));
  return { servers: list, ...(wantsTls ? { tls: definedOf(tls ?? {}) } : {}) };
}

function definedOf(tls: BusTls): { ca?: string; cert?: string; key?: string } {
  return Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined));
}
