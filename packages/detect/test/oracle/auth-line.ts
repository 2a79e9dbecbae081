// A plain decoder of auth.log lines for the checks; the product's decoder is somebody else's and must agree on the fields
// listed in rules/README.md. The year is not in the line and comes from the caller.

import type { OracleEvent } from './fields.ts';

type Reading = readonly [pattern: RegExp, fields: (m: RegExpExecArray) => Record<string, string>];

const READINGS: readonly Reading[] = [
  [/^Failed (\S+) for (?:invalid user )?(.*) from (\S+) port (\d+)/, (m) => who('failed_password', m[2], m[3], m[4], m[1])],
  [/^Accepted (\S+) for (\S+) from (\S+) port (\d+)/, (m) => who('accepted', m[2], m[3], m[4], m[1])],
  [/^Invalid user (.*) from (\S+?)(?: port (\d+))?$/, (m) => who('invalid_user', m[1], m[2], m[3])],
  [
    /maximum authentication attempts exceeded for (?:invalid user )?(.*) from (\S+) port (\d+)/,
    (m) => who('max_attempts', m[1], m[2], m[3]),
  ],
  [
    /^Disconnected from (?:invalid user |user |authenticating user )?(?:\S+ )?(\S+) port (\d+)/,
    (m) => who('disconnected', undefined, m[1], m[2]),
  ],
  [/^Received disconnect from ([^\s:]+)(?: port (\d+))?/, (m) => who('disconnected', undefined, m[1], m[2])],
  [
    /^Connection closed by (?:invalid user \S* |authenticating user \S+ )?(\S+) port (\d+)/,
    (m) => who('connection_closed', undefined, m[1], m[2]),
  ],
  [/^Did not receive identification string from (\S+)/, (m) => who('no_identification', undefined, m[1])],
  [/^Bad protocol version identification .* from (\S+) port (\d+)/, (m) => who('bad_protocol', undefined, m[1], m[2])],
  [/session opened for user (\S+?)(?:\(uid=\d+\))? by/, (m) => who('session_opened', m[1])],
  [/session closed for user (\S+)/, (m) => who('session_closed', m[1])],
  [/authentication failure;.*rhost=(\S*)(?:\s+user=(\S+))?/, (m) => who('auth_failure', m[2], m[1])],
  [
    /^\s*(\S+) : .*TTY=(\S+) ; PWD=(.*?) ; USER=(\S+) ; COMMAND=(.*)$/,
    (m) => ({ event_action: 'sudo_command', user: m[1]!, tty: m[2]!, pwd: m[3]!, target_user: m[4]!, command: m[5]! }),
  ],
  [/^new user: name=([^,]+)/, (m) => who('user_added', m[1])],
  [/^new group: name=([^,]+)/, (m) => ({ event_action: 'group_added', group: m[1]! })],
  [/password changed for (\S+)/, (m) => who('password_changed', m[1])],
  [/^Successful su for (\S+) by (\S+)/, (m) => ({ event_action: 'su', user: m[2]!, target_user: m[1]! })],
];

/** The event of one line, or undefined when the line has no syslog header. `time` is ISO, UTC, with the given year. */
export function decodeAuthLine(line: string, year: number): { time: string; event: OracleEvent } | undefined {
  const header = /^([A-Z][a-z]{2}) +(\d+) (\d\d:\d\d:\d\d) (\S+) ([^\s:[]+)(?:\[(\d+)\])?: ?(.*)$/.exec(line);
  if (!header) return undefined;
  const [, month, day, clock, host, program, pid, text] = header as unknown as string[];
  const time = new Date(`${month} ${day} ${year} ${clock} UTC`).toISOString();
  const repeated = /^message repeated (\d+) times: \[ (.*)\]$/.exec(text!);
  const message = text!;
  const inner = repeated ? repeated[2]! : message;
  const reading = READINGS.map(([pattern, fields]) => [pattern.exec(inner), fields] as const).find(([m]) => m !== null);
  const fields = reading ? reading[1](reading[0]!) : {};
  const repeat = repeated ? { repeat: Number(repeated[1]) } : {};
  return { time, event: { host: host!, program: program!, ...(pid ? { pid: Number(pid) } : {}), message, ...fields, ...repeat } };
}

function who(action: string, user?: string, ip?: string, port?: string, method?: string): Record<string, string> {
  const all = { event_action: action, user, src_ip: ip, src_port: port, auth_method: method };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined && value !== '')) as Record<string, string>;
}
