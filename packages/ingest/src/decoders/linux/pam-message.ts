/** Messages of PAM modules, whichever program writes them: `pam_unix(sshd:session): session opened for user root by (uid=0)`. */
import type { MessageFields } from './auth-message.ts';
import { present, wordAfter } from './message-words.ts';

/** Fields of a PAM message; undefined where it is none that is known. */
export function readPam(message: string): MessageFields | undefined {
  if (!message.startsWith('pam_') && !message.startsWith('PAM ')) return undefined;
  const opened = wordAfter(message, 'session opened for user ');
  if (opened !== undefined) return present({ event_action: 'session_opened', user: withoutUid(opened) });
  const closed = wordAfter(message, 'session closed for user ');
  if (closed !== undefined) return present({ event_action: 'session_closed', user: closed });
  const changed = wordAfter(message, 'password changed for ');
  if (changed !== undefined) return present({ event_action: 'password_changed', user: changed });
  return readFailure(message);
}

/** `… authentication failure; logname= … rhost=10.0.0.1  user=root`; `PAM 5 more authentication failures; …` sums up what went before. */
function readFailure(message: string): MessageFields | undefined {
  const one = message.indexOf('authentication failure;');
  const at = one === -1 ? message.indexOf('more authentication failure') : one;
  if (at === -1) return undefined;
  const facts = message.slice(at);
  const action = one === -1 ? 'auth_failures_summed' : 'auth_failure';
  return present({ event_action: action, user: wordAfter(facts, ' user='), src_ip: wordAfter(facts, ' rhost=') });
}

/** `root(uid=0)` → `root`, as newer versions write. */
function withoutUid(word: string): string {
  const at = word.indexOf('(uid=');
  return at === -1 ? word : word.slice(0, at);
}
