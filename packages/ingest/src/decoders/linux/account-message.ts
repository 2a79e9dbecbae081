/** Messages of the programs that change accounts (shadow-utils: useradd, userdel, usermod, groupadd, chage, passwd) and of systemd-logind. */
import type { MessageFields } from './auth-message.ts';
import { present, wordAfter } from './message-words.ts';

/** Fields of an account message; undefined where it is none that is known. */
export function readAccount(message: string): MessageFields | undefined {
  for (const [begins, read] of READINGS) if (message.startsWith(begins)) return read(message);
  return undefined;
}

type Reading = readonly [begins: string, read: (message: string) => MessageFields | undefined];

const READINGS: readonly Reading[] = [
  [
    'new user: name=',
    (message) => present({ event_action: 'user_added', user: upTo(message, 'name=', ','), shell: wordAfter(message, ' shell=') }),
  ],
  ['new group: name=', (message) => present({ event_action: 'group_added', group: upTo(message, 'name=', ',') })],
  ['delete user ', (message) => present({ event_action: 'user_deleted', user: upTo(message, "delete user '", "'") })],
  ['add ', (message) => readMember(message)],
  ['password changed for ', (message) => present({ event_action: 'password_changed', user: wordAfter(message, 'password changed for ') })],
  [
    'changed password expiry for ',
    (message) => present({ event_action: 'password_expiry_changed', user: wordAfter(message, ' expiry for ') }),
  ],
  ['New session ', (message) => present({ event_action: 'session_started', user: withoutDot(wordAfter(message, ' of user ')) })],
];

/** `add 'name' to group 'wheel'`. */
function readMember(message: string): MessageFields | undefined {
  const group = upTo(message, " to group '", "'");
  return group === undefined ? undefined : present({ event_action: 'group_member_added', user: upTo(message, "add '", "'"), group });
}

/** Text after `mark` up to `stop`, or to the end. */
function upTo(text: string, mark: string, stop: string): string | undefined {
  const at = text.indexOf(mark);
  if (at === -1) return undefined;
  const end = text.indexOf(stop, at + mark.length);
  return text.slice(at + mark.length, end === -1 ? undefined : end);
}

function withoutDot(word: string | undefined): string | undefined {
  return word?.endsWith('.') ? word.slice(0, -1) : word;
}
