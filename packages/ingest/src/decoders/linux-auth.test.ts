import { expect, test } from 'vitest';
import { linuxAuthDecoder } from './linux-auth.ts';
import { defaultDecodeLimits } from './record-decoder.ts';
import { fieldsOfLinux } from './syslog/syslog.ts';
import { parseSyslogLine } from './syslog/syslog-line.ts';

const HEADER = 'Mar 27 13:06:56 web1';
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Fields beyond those of the header. */
function read(text: string): Record<string, unknown> {
  const { timestamp, host, line, message, ...rest } = fieldsOfLinux(parseSyslogLine(`${HEADER} ${text}`)) ?? {};
  expect({ timestamp, host, line }).toEqual({ timestamp: 'Mar 27 13:06:56', host: 'web1', line: `${HEADER} ${text}` });
  expect(text.endsWith(String(message))).toBe(true);
  return rest;
}

const sshd = { program: 'sshd', pid: 7 };

test.each<[string, Record<string, unknown>]>([
  [
    'sshd[7]: Failed password for root from 10.0.0.1 port 22 ssh2',
    { ...sshd, event_action: 'failed_password', user: 'root', src_ip: '10.0.0.1', src_port: '22', auth_method: 'password' },
  ],
  [
    'sshd[7]: Failed none for invalid user  from 10.0.0.1 port 22 ssh2',
    { ...sshd, event_action: 'failed_password', src_ip: '10.0.0.1', src_port: '22', auth_method: 'none' },
  ],
  [
    'sshd[7]: Failed password for invalid user x from 1.2.3.4 port 5 from 10.0.0.1 port 22 ssh2',
    {
      ...sshd,
      event_action: 'failed_password',
      user: 'x from 1.2.3.4 port 5',
      src_ip: '10.0.0.1',
      src_port: '22',
      auth_method: 'password',
    },
  ],
  [
    'sshd[7]: Accepted publickey for ann from fe80::1 port 52776 ssh2: RSA SHA256:abc',
    { ...sshd, event_action: 'accepted', user: 'ann', src_ip: 'fe80::1', src_port: '52776', auth_method: 'publickey' },
  ],
  ['sshd[7]: Invalid user pi from 10.0.0.1', { ...sshd, event_action: 'invalid_user', user: 'pi', src_ip: '10.0.0.1' }],
  [
    'sshd[7]: error: maximum authentication attempts exceeded for invalid user support from 10.0.0.1 port 53679 ssh2 [preauth]',
    { ...sshd, event_action: 'max_attempts', user: 'support', src_ip: '10.0.0.1', src_port: '53679' },
  ],
  [
    'sshd[7]: Disconnected from authenticating user root 10.0.0.1 port 9 [preauth]',
    { ...sshd, event_action: 'disconnected', src_ip: '10.0.0.1', src_port: '9' },
  ],
  ['sshd[7]: Received disconnect from 10.0.2.2: 11: disconnected by user', { ...sshd, event_action: 'disconnected', src_ip: '10.0.2.2' }],
  [
    'sshd[7]: Received disconnect from 10.0.2.2 port 5:11: Bye port 6',
    { ...sshd, event_action: 'disconnected', src_ip: '10.0.2.2', src_port: '5' },
  ],
  [
    'sshd[7]: Connection closed by 10.0.0.1 port 9 [preauth]',
    { ...sshd, event_action: 'connection_closed', src_ip: '10.0.0.1', src_port: '9' },
  ],
  ['sshd[7]: Did not receive identification string from 10.0.2.2', { ...sshd, event_action: 'no_identification', src_ip: '10.0.2.2' }],
  [
    "sshd[7]: Bad protocol version identification 'GET / from x' from 10.0.0.1 port 4",
    { ...sshd, event_action: 'bad_protocol', src_ip: '10.0.0.1', src_port: '4' },
  ],
  [
    'sshd[7]: pam_unix(sshd:session): session opened for user root(uid=0) by (uid=0)',
    { ...sshd, event_action: 'session_opened', user: 'root' },
  ],
  [
    'CRON[8]: pam_unix(cron:session): session closed for user root',
    { program: 'CRON', pid: 8, event_action: 'session_closed', user: 'root' },
  ],
  [
    'sshd[7]: pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=10.0.0.1  user=root',
    { ...sshd, event_action: 'auth_failure', user: 'root', src_ip: '10.0.0.1' },
  ],
  [
    'sudo: pam_unix(sudo:auth): authentication failure; logname=ann tty=/dev/pts/1 ruser=ann rhost=  user=ann',
    { program: 'sudo', event_action: 'auth_failure', user: 'ann' },
  ],
  [
    'sudo:  ann : TTY=pts/0 ; PWD=/home/ann ; USER=root ; COMMAND=/bin/sh -c echo ; USER=x ; COMMAND=y',
    {
      program: 'sudo',
      event_action: 'sudo_command',
      user: 'ann',
      tty: 'pts/0',
      pwd: '/home/ann',
      target_user: 'root',
      command: '/bin/sh -c echo ; USER=x ; COMMAND=y',
    },
  ],
  [
    'sudo:      tsg : 3 incorrect password attempts ; TTY=pts/1 ; PWD=/ ; USER=root ; COMMAND=/bin/ls',
    {
      program: 'sudo',
      event_action: 'sudo_command',
      user: 'tsg',
      reason: '3 incorrect password attempts',
      tty: 'pts/1',
      pwd: '/',
      target_user: 'root',
      command: '/bin/ls',
    },
  ],
  ['su[9]: Successful su for root by ann', { program: 'su', pid: 9, event_action: 'su', user: 'ann', target_user: 'root' }],
  [
    'useradd[9]: new user: name=tsg, UID=1001, GID=1003, home=/home/tsg, shell=/bin/bash',
    { program: 'useradd', pid: 9, event_action: 'user_added', user: 'tsg', shell: '/bin/bash' },
  ],
  ['groupadd[9]: new group: name=tsg, GID=1003', { program: 'groupadd', pid: 9, event_action: 'group_added', group: 'tsg' }],
  ["usermod[9]: add 'ann' to group 'sudo'", { program: 'usermod', pid: 9, event_action: 'group_member_added', user: 'ann', group: 'sudo' }],
  [
    'chpasswd[9]: pam_unix(chpasswd:chauthtok): password changed for ann',
    { program: 'chpasswd', pid: 9, event_action: 'password_changed', user: 'ann' },
  ],
  [
    'sshd[7]: message repeated 5 times: [ Failed password for root from 10.0.0.1 port 56338 ssh2]',
    { ...sshd, event_action: 'failed_password', user: 'root', src_ip: '10.0.0.1', src_port: '56338', auth_method: 'password', repeat: 5 },
  ],
  ['sshd[7]: Server listening on 0.0.0.0 port 22.', sshd],
  ['no tag here', {}],
])('%s', (text, fields) => {
  expect(read(text)).toEqual(fields);
});

test('a line whose host is missing keeps its program', () => {
  expect(fieldsOfLinux(parseSyslogLine('Feb  9 21:20:08  sshd[8317]: last message repeated 2 times'))).toEqual({
    timestamp: 'Feb  9 21:20:08',
    program: 'sshd',
    pid: 8317,
    message: 'last message repeated 2 times',
    line: 'Feb  9 21:20:08  sshd[8317]: last message repeated 2 times',
  });
});

test('RFC 5424, with priority and structured data that holds a bracket', () => {
  expect(
    fieldsOfLinux(parseSyslogLine('<38>1 2018-03-24T08:59:37-07:00 pc.example app 12 ID7 [a@1 b="]\\"x"][c@1] text [here]\r\n')),
  ).toMatchObject({
    timestamp: '2018-03-24T08:59:37-07:00',
    host: 'pc.example',
    program: 'app',
    pid: 12,
    facility: 4,
    severity: 6,
    message: 'text [here]',
  });
});

test.each([
  '',
  ' ',
  'hello',
  'Mar 27 13:06:56',
  'Foo 27 13:06:56 web1 sshd: x',
  'Mar 27 13:06 web1 sshd: x',
  '<999>Mar 27 13:06:56',
  '1 x y z',
  '{"message":"no header"}',
  '{"message":7}',
])('%j has no header and is refused', (line) => {
  expect(linuxAuthDecoder.decode(bytes(line), defaultDecodeLimits)).toMatchObject([{ rejected: 'decode.bad_line' }]);
});

test('a line in JSON keeps the other members, which never overwrite what the line says', () => {
  const record = bytes(JSON.stringify({ host: 'spoofed', shipper: 'x', message: `${HEADER} sshd[7]: Invalid user pi from 10.0.0.1` }));
  const [decoded] = linuxAuthDecoder.decode(record, defaultDecodeLimits);
  expect(decoded).toMatchObject({
    format: 'linux-auth',
    fields: { host: 'web1', shipper: 'x', user: 'pi', message: 'Invalid user pi from 10.0.0.1' },
  });
});
