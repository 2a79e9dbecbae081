/** Where protocols put their credential: each gives our token, or undefined where there is none. Whether it is good is asked elsewhere. */

/** The token behind one of the schemes named (lower case), such as `bearer` or `splunk`. */
export function tokenOfScheme(authorization: string | undefined, schemes: readonly string[]): string | undefined {
  if (authorization === undefined || authorization === '') return undefined;
  const space = authorization.indexOf(' ');
  const scheme = authorization.slice(0, Math.max(0, space)).toLowerCase();
  // A header that is there and does not fit is a refused credential, not a missing one: an empty token is told from none.
  return schemes.includes(scheme) ? authorization.slice(space + 1).trim() : '';
}

/**
 * The token of a protocol whose agents know Basic authentication or an API key: the password of `Basic user:token`, the key of
 * `ApiKey base64(id:token)`, or a Bearer token. Agents that want a user name may give any.
 */
export function tokenOfAgent(authorization: string | undefined): string | undefined {
  const pair = tokenOfScheme(authorization, ['basic', 'apikey']);
  if (pair === undefined || pair === '') return tokenOfScheme(authorization, ['bearer']);
  const plain = Buffer.from(pair, 'base64').toString('latin1');
  const colon = plain.indexOf(':');
  if (colon < 0) return plain;
  return plain.slice(colon + 1) || plain.slice(0, colon);
}
