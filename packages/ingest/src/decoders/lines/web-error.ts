/** Lines of web servers' error logs: nginx (`2016/10/25 14:49:34 [error] 5#0: *1 text, client: …`) and Apache (`[Mon Dec 26 …] [error] text`). */
import type { Fields } from '@tocsin/core';

/** Fields of a line of an error log; undefined where it is none. */
export function readWebError(line: string): Fields | undefined {
  return line[0] === '[' ? readApache(line) : readNginx(line);
}

function readNginx(line: string): Fields | undefined {
  const head = /^(\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d) \[(\w{1,10})\] (\d{1,10})#(\d{1,10}): (?:\*\d{1,19} )?/.exec(line);
  if (head === null) return undefined;
  const [whole, timestamp, level, pid] = head;
  const message = line.slice(whole.length);
  const client = wordBehind(message, ', client: ');
  const request = quotedBehind(message, ', request: "');
  return {
    timestamp,
    level,
    pid: Number(pid),
    message,
    ...(client === undefined ? {} : { 'c-ip': client }),
    ...(request === undefined ? {} : { request }),
    ...optional('cs-host', quotedBehind(message, ', host: "')),
    ...optional('cs-referer', quotedBehind(message, ', referrer: "')),
  };
}

function readApache(line: string): Fields | undefined {
  const head = /^\[(\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,9})? \d{4})\] \[(?:(\w{0,30}):)?(\w{1,10})\] /.exec(line);
  if (head === null) return undefined;
  const [whole, timestamp, module, level] = head;
  let rest = line.slice(whole.length);
  const pid = /^\[pid (\d{1,10})(?::tid \d{1,20})?\] /.exec(rest);
  rest = rest.slice(pid?.[0].length ?? 0);
  const client = /^\[client ([^\]\s]{1,64})\] /.exec(rest);
  return {
    timestamp,
    level,
    ...optional('module', module),
    ...(pid === null ? {} : { pid: Number(pid[1]) }),
    ...optional('c-ip', client?.[1]?.replace(/^(\d+\.\d+\.\d+\.\d+):\d{1,5}$/, '$1')),
    message: rest.slice(client?.[0].length ?? 0),
  };
}

function optional(name: string, value: string | undefined): Fields {
  return value === undefined || value === '' ? {} : { [name]: value };
}

function wordBehind(text: string, mark: string): string | undefined {
  const at = text.lastIndexOf(mark);
  return at === -1 ? undefined : /^[^,\s]{1,64}/.exec(text.slice(at + mark.length))?.[0];
}

function quotedBehind(text: string, mark: string): string | undefined {
  const at = text.lastIndexOf(mark);
  const end = at === -1 ? -1 : text.indexOf('"', at + mark.length);
  return end === -1 ? undefined : text.slice(at + mark.length, end);
}
