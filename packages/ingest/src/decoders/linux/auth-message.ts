/**
 * What an auth.log message says, as fields that rules can name: the table of readings and the few words they share. Each
 * reading looks for fixed words from a known place, never by backtracking, so any message takes time linear in its length.
 * The readings of sshd, PAM and account programs stand in files beside this one.
 */
import { readAccount } from './account-message.ts';
import { readPam } from './pam-message.ts';
import { readSshd } from './sshd-message.ts';
import { readSudo } from './sudo-message.ts';

/** Fields found in a message; text throughout. A field that the message leaves empty is absent. */
export type MessageFields = Readonly<Record<string, string>>;

/** Reads a message of any program; no fields where nothing is known about it. `message repeated N times: [ … ]` is read as what it repeats. */
export function readAuthMessage(message: string): MessageFields & { readonly repeat?: number } {
  const repeated = unwrapRepeated(message);
  if (repeated === undefined) return readOnce(message);
  return { ...readOnce(repeated.message), repeat: repeated.times } as MessageFields & { readonly repeat: number };
}

function readOnce(message: string): MessageFields {
  return readPam(message) ?? readSshd(message) ?? readSudo(message) ?? readAccount(message) ?? {};
}

/** `message repeated 5 times: [ text]` → 5 and the text (rsyslog, "repeated message reduction"). */
function unwrapRepeated(message: string): { times: number; message: string } | undefined {
  if (!message.startsWith(REPEATED) || !message.endsWith(']')) return undefined;
  const end = message.indexOf(' times: [', REPEATED.length);
  const count = end === -1 ? '' : message.slice(REPEATED.length, end);
  if (!/^\d{1,9}$/.test(count)) return undefined;
  const inner = message.slice(end + ' times: ['.length, -1);
  return { times: Number(count), message: inner.startsWith(' ') ? inner.slice(1) : inner };
}

const REPEATED = 'message repeated ';
