/** What decoders of lines need of the syslog envelope before one: its words beside its message. Reading it is `../syslog/syslog-line.ts`. */
import { fieldsOfSyslog } from '../syslog/syslog.ts';
import { hasHeader, parseSyslogLine } from '../syslog/syslog-line.ts';

/** What a header names: `timestamp`, `host`, `program`, `pid`, `facility`, `severity` and more where there, and the rest of the line. */
export type SyslogHeader = Readonly<Record<string, unknown>> & { readonly message: string };

/** Reads a line's header; undefined where there is none. */
export function parseSyslogHeader(line: string): SyslogHeader | undefined {
  const parsed = parseSyslogLine(line);
  return hasHeader(parsed) ? { ...fieldsOfSyslog(parsed), message: parsed.message } : undefined;
}
