/** A set-up step that could not be done: what happened, why, and the line to type. Printed without a stack: it is not our bug. */

/** The line that was typed, to be typed again. */
export const again = ['start', 'test'].includes(process.argv[2]) ? `npm ${process.argv[2]}` : `npm run ${process.argv[2] ?? ''}`;

/** `what` happened; `why` in the tool's own words, may be empty; `type` is the line to type next. */
export class SetUpError extends Error {
  constructor(what, { why = '', type, cause } = {}) {
    super(what, cause === undefined ? undefined : { cause });
    this.name = 'SetUpError';
    this.why = why;
    this.type = type;
  }

  /** The whole message, for the terminal. */
  get text() {
    const why = this.why === '' ? '' : `\n  ${this.why.trim().split('\n').slice(-12).join('\n  ')}`;
    return `tocsin: ${this.message}${why}${this.type ? `\n\n  type:  ${this.type}\n` : ''}`;
  }
}

/** What a failed package download means, by what the tool printed; undefined where it is none of these. */
export function networkTrouble(output) {
  if (/ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED|ECONNRESET|ENETUNREACH|NewConnectionError|Max retries|dial tcp|network/i.test(output)) {
    return 'the package registry cannot be reached. Check the network and the proxy settings';
  }
  if (/CERT|certificate|SSL/i.test(output)) {
    return 'the package registry’s certificate is not trusted. Point NODE_EXTRA_CA_CERTS (npm) and PIP_CERT (pip) at your authority’s file';
  }
  if (/EROFS|EACCES|EPERM|Read-only|Permission denied/i.test(output)) return 'a folder cannot be written';
  if (/ENOSPC|No space left/i.test(output)) return 'the disk is full';
  return undefined;
}

/** The error for a folder that cannot be written, or undefined where `error` is another. */
export function unwritable(error, folder) {
  if (!['EACCES', 'EROFS', 'EPERM'].includes(error.code)) return undefined;
  return new SetUpError(`${folder} cannot be written (${error.code}), so nothing was set up. Clone to a folder of your own.`, {
    type: `cp -R '${folder}' ~/tocsin && cd ~/tocsin && ${again}`,
    cause: error,
  });
}
