/**
 * The format `auditd`: records of the Linux audit daemon (audit-documentation, "Audit Event Fields"). A record is one line, or all lines of
 * one event joined by line ends; then `type` is the list of their types, and a field that several lines have is a list.
 */
import { readAuditPairs } from './audit-pairs.ts';
import { type LineFormat, MAX_LINE_FIELDS } from './line-format.ts';

/** Lines of audit.log. */
export const auditdFormat: LineFormat = {
  name: 'auditd',
  decodes: ['proctitle', 'cmd'],
  wants: '`type=TYPE msg=audit(time:serial): key=value …`',
  looks: (line) => AUDIT_LINE.test(line),
  read: (text) => {
    const merged = new Map<string, unknown>();
    let hasAny = false;
    for (const line of text.split('\n', MAX_LINES)) {
      const head = AUDIT_LINE.exec(line.endsWith('\r') ? line.slice(0, -1) : line);
      if (head !== null) addLine(merged, head, line.slice(head[0].length));
      else if (!addBroken(merged, line)) continue;
      hasAny = true;
    }
    return hasAny ? Object.fromEntries(merged) : undefined;
  },
};

/**
 * Which event a line is a part of, and whether the event is whole with it; undefined where it is no line of auditd, or one of a kind that is an
 * event by itself. What joins lines goes by this.
 */
export function auditPartOf(line: string): { readonly key: string; readonly isLast: boolean } | undefined {
  const head = AUDIT_LINE.exec(line);
  const type = head?.[2] ?? '';
  return head !== null && PARTS.has(type) ? { key: `${head[1] ?? ''} ${head[3]}:${head[4]}`, isLast: type === 'EOE' } : undefined;
}

/** Kinds of record that the kernel writes as parts of one event (audit.h, 1300 to 1399). */
const PARTS: ReadonlySet<string> = new Set([
  'SYSCALL',
  'PATH',
  'IPC',
  'SOCKETCALL',
  'CONFIG_CHANGE',
  'SOCKADDR',
  'CWD',
  'EXECVE',
  'IPC_SET_PERM',
  'MQ_OPEN',
  'MQ_SENDRECV',
  'MQ_NOTIFY',
  'MQ_GETSETATTR',
  'KERNEL_OTHER',
  'FD_PAIR',
  'OBJ_PID',
  'TTY',
  'BPRM_FCAPS',
  'CAPSET',
  'MMAP',
  'NETFILTER_PKT',
  'NETFILTER_CFG',
  'SECCOMP',
  'PROCTITLE',
  'FEATURE_CHANGE',
  'KERN_MODULE',
  'FANOTIFY',
  'TIME_INJOFFSET',
  'TIME_ADJNTPVAL',
  'BPF',
  'AVC',
  'EOE',
  'OPENAT2',
  'DM_CTRL',
  'MAC_POLICY_LOAD',
  'MAC_STATUS',
  'MAC_CONFIG_CHANGE',
  'ANOM_PROMISCUOUS',
  'ANOM_ABEND',
  'INTEGRITY_RULE',
]);

/** Lines of one event that are read. */
export const MAX_LINES = 256;

const AUDIT_LINE =
  /^(?:audit: )?(?:node=(\S{1,255}) )?type=([A-Z][A-Z0-9_]{1,40}|UNKNOWN\[\d{1,6}\]|\d{1,6}) (?:msg=)?audit\((\d{1,12}(?:\.\d{1,9})?):(\d{1,20})\):[ ]?/;

function addLine(merged: Map<string, unknown>, [, node, type, seconds, serial]: RegExpExecArray, text: string): void {
  add(merged, 'type', type);
  if (!merged.has('serial')) {
    if (node !== undefined) merged.set('node', node);
    merged.set('msg', `audit(${seconds}:${serial})`);
    merged.set('time', Number(seconds));
    merged.set('serial', serial);
  }
  for (const [name, value] of readAuditPairs(text, type ?? '')) {
    if (merged.size >= MAX_LINE_FIELDS) return;
    if (!OWN.has(name)) add(merged, name, value);
  }
}

/** Kernels write types they have no name for with an overwritten stamp: the type is all that is left, and the text. */
function addBroken(merged: Map<string, unknown>, line: string): boolean {
  const [, type, text] = /^type=(UNKNOWN\[\d{1,6}\]) msg=(.*)$/s.exec(line) ?? [];
  if (type === undefined) return false;
  add(merged, 'type', type);
  add(merged, 'text', text);
  return true;
}

const OWN: ReadonlySet<string> = new Set(['type', 'msg', 'time', 'serial', 'node']);

/** One value stays alone; another beside it makes a list, without the same one twice. */
function add(merged: Map<string, unknown>, name: string, value: unknown): void {
  const before = merged.get(name);
  if (before === undefined) merged.set(name, value);
  else if (Array.isArray(before)) {
    if (before.length < MAX_LINES && !before.includes(value)) before.push(value);
  } else if (before !== value) merged.set(name, [before, value]);
}
