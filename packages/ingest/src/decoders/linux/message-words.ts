/** Cutting words out of a log message: small pieces that the readings of messages share. Linear, no regular expressions. */

/** Fields without those that are undefined or empty. */
export function present(fields: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of Object.keys(fields)) {
    const value = fields[name];
    if (value !== undefined && value !== '') found[name] = value;
  }
  return found;
}

/** Text from `from` up to the next space, or to the end. */
export function wordAt(text: string, from: number): string {
  const end = text.indexOf(' ', from);
  return end === -1 ? text.slice(from) : text.slice(from, end);
}

/** The word after the first `mark`; undefined where the mark is missing. */
export function wordAfter(text: string, mark: string): string | undefined {
  const at = text.indexOf(mark);
  return at === -1 ? undefined : wordAt(text, at + mark.length);
}

/** Who came from where: `NAME from ADDRESS port NUMBER`, as sshd writes it. */
export interface Origin {
  readonly user: string;
  readonly src_ip: string;
  readonly src_port?: string | undefined;
}

/**
 * Reads `NAME from ADDRESS[ port NUMBER]` from the right: a name may hold anything, also the words ` from 10.0.0.1 port 22`
 * (the caller of sshd chooses it), but what sshd itself adds comes last.
 */
export function readOrigin(text: string): Origin | undefined {
  const from = text.lastIndexOf(' from ');
  if (from === -1) return undefined;
  const address = wordAt(text, from + ' from '.length);
  if (address === '') return undefined;
  return { user: text.slice(0, from), src_ip: address, src_port: portAfter(text, from + ' from '.length + address.length) };
}

/** The number in ` port NUMBER` at `at`. */
export function portAfter(text: string, at: number): string | undefined {
  if (!text.startsWith(' port ', at)) return undefined;
  let end = at + ' port '.length;
  while (end < text.length && isDigit(text.charCodeAt(end))) end++;
  const port = text.slice(at + ' port '.length, end);
  return port === '' || port.length > 5 ? undefined : port;
}

function isDigit(unit: number): boolean {
  return unit >= 0x30 && unit <= 0x39;
}
