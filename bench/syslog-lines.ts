/** Syslog lines of many senders, made by number: what hosts, applications and firewalls send on a day on which little happens. */
import { Buffer } from 'node:buffer';

/** One line in so many is a failed login; the shipped rules look at those. */
const FAILED_EVERY = 100;

/** Line `i`: RFC 3164 and 5424 of hosts, an application, systemd and a firewall, in turn. */
export function syslogLine(i: number): string {
  if (i % FAILED_EVERY === 0)
    return `<38>Oct 11 22:14:15 web${i % 50} sshd[${i % 9999}]: Failed password for invalid user u${i % 997} from 10.0.${i % 250}.9 port 4242 ssh2`;
  const forms = [
    `<38>Oct 11 22:14:15 web${i % 50} sshd[${i % 9999}]: Accepted publickey for u${i % 997} from 10.0.${i % 250}.9 port 4242 ssh2: ED25519 SHA256:x`,
    `<165>1 2026-08-24T05:14:15.000003-07:00 192.0.2.1 myproc ${i % 9999} - [a@1 iut="3" x="a"] application event log entry ${i}`,
    `<30>2026-10-11T22:14:15.003+02:00 web${i % 50} systemd[1]: Started Session ${i} of user root.`,
    `<166>Oct 11 2026 22:14:15 asa1 : %ASA-6-302013: Built outbound TCP connection ${i} for outside:203.0.113.9/443`,
  ];
  return forms[i % forms.length] as string;
}

/** Lines `from` up to `from + count` as one stream: counted (RFC 6587, 3.4.1) or ended by LF. */
export function syslogStream(from: number, count: number, framing: 'counted' | 'lines'): Buffer {
  const parts: string[] = [];
  for (let i = from; i < from + count; i++) {
    const line = syslogLine(i);
    parts.push(framing === 'lines' ? `${line}\n` : `${line.length} ${line}`);
  }
  // All of it is ASCII.
  return Buffer.from(parts.join(''), 'latin1');
}
