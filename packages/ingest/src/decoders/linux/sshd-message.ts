/** Messages of OpenSSH's sshd (auth.c, auth2.c, packet.c of OpenSSH 5 to 9). */
import type { MessageFields } from './auth-message.ts';
import { portAfter, present, readOrigin, wordAt } from './message-words.ts';

/** Fields of an sshd message; undefined where it is none that is known. */
export function readSshd(message: string): MessageFields | undefined {
  const text = message.startsWith('error: ') ? message.slice('error: '.length) : message;
  for (const [begins, read] of READINGS) if (text.startsWith(begins)) return read(text.slice(begins.length));
  return undefined;
}

type Reading = readonly [begins: string, read: (rest: string) => MessageFields | undefined];

const READINGS: readonly Reading[] = [
  ['Failed ', (rest) => readAttempt('failed_password', rest)],
  ['Accepted ', (rest) => readAttempt('accepted', rest)],
  ['Invalid user ', (rest) => readNamed('invalid_user', rest)],
  ['Illegal user ', (rest) => readNamed('invalid_user', rest)],
  ['maximum authentication attempts exceeded for ', (rest) => readNamed('max_attempts', withoutInvalid(rest))],
  ['Disconnected from ', (rest) => readPeer('disconnected', rest)],
  ['Received disconnect from ', (rest) => readDisconnect(rest)],
  ['Connection closed by ', (rest) => readPeer('connection_closed', rest)],
  ['Connection reset by ', (rest) => readPeer('connection_reset', rest)],
  ['Connection from ', (rest) => readPeer('connection_opened', rest)],
  ['Did not receive identification string from ', (rest) => readPeer('no_identification', rest)],
  ['Bad protocol version identification ', (rest) => readBadProtocol(rest)],
  ['User ', (rest) => readDenied(rest)],
];

/** `METHOD for [invalid user ]NAME from ADDRESS port NUMBER ssh2…`. */
function readAttempt(action: string, rest: string): MessageFields | undefined {
  const method = wordAt(rest, 0);
  const mark = ' for ';
  if (!rest.startsWith(mark, method.length)) return undefined;
  const origin = readOrigin(withoutInvalid(rest.slice(method.length + mark.length)));
  return origin && present({ event_action: action, ...origin, auth_method: method });
}

function readNamed(action: string, rest: string): MessageFields | undefined {
  const origin = readOrigin(rest);
  return origin && present({ event_action: action, ...origin });
}

/** `[invalid user NAME |authenticating user NAME |user NAME ]ADDRESS port NUMBER …`: the address is the word before the last ` port `, or the first. */
function readPeer(action: string, rest: string): MessageFields {
  const port = rest.lastIndexOf(' port ');
  const end = action === 'connection_opened' ? rest.indexOf(' port ') : port;
  if (end === -1) return present({ event_action: action, src_ip: bareAddress(wordAt(rest, 0)) });
  const start = rest.lastIndexOf(' ', end - 1) + 1;
  return present({ event_action: action, src_ip: rest.slice(start, end), src_port: portAfter(rest, end) });
}

/** `ADDRESS[ port NUMBER]:11: reason`, in older versions `ADDRESS: 11: reason`. The reason is the peer's and may say anything. */
function readDisconnect(rest: string): MessageFields {
  const address = wordAt(rest, 0);
  return present({ event_action: 'disconnected', src_ip: bareAddress(address), src_port: portAfter(rest, address.length) });
}

/** `'bytes' from ADDRESS port NUMBER`: the bytes are the peer's. */
function readBadProtocol(rest: string): MessageFields | undefined {
  const origin = readOrigin(rest);
  return origin && present({ event_action: 'bad_protocol', src_ip: origin.src_ip, src_port: origin.src_port });
}

/** `NAME from ADDRESS not allowed because …`. */
function readDenied(rest: string): MessageFields | undefined {
  const end = rest.indexOf(' not allowed because ');
  return end === -1 ? undefined : readNamed('user_denied', rest.slice(0, end));
}

function withoutInvalid(rest: string): string {
  return rest.startsWith('invalid user ') ? rest.slice('invalid user '.length) : rest;
}

function bareAddress(word: string): string {
  return word.endsWith(':') ? word.slice(0, -1) : word;
}
