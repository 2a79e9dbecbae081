/**
 * The format `access-log`: web servers' access logs, common and combined, with or without the virtual host in front (Apache HTTP Server,
 * "Log Files"; nginx, `log_format combined`), and their error logs. Fields are named as W3C's extended format has them, which Sigma uses.
 */
import type { Fields } from '@tocsin/core';
import type { LineFormat } from './line-format.ts';
import { readWebError } from './web-error.ts';

/** Access and error logs of Apache, nginx, Traefik and those that write like them. */
export const accessLogFormat: LineFormat = {
  name: 'access-log',
  decodes: ['cs-uri', 'cs-uri-stem', 'cs-uri-query', 'cs-user-agent', 'cs-referer'],
  wants: '`host ident user [time] "request" status bytes …`',
  looks: (line) => line.includes('] "') || /^\d{4}\/\d\d\/\d\d .{8} \[|^\[\w{3} \w{3} [ \d]\d \d\d:/.test(line),
  read: (line) => readAccess(line) ?? readWebError(line),
};

function readAccess(line: string): Fields | undefined {
  const open = line.indexOf(' [');
  const close = open === -1 || open > MAX_HEAD ? -1 : line.indexOf('] "', open);
  if (close === -1 || close - open > 40 || line[open + 4] !== '/' || line[open + 8] !== '/') return undefined;
  const head = readHead(line.slice(0, open));
  const request = readQuoted(line, close + 2);
  if (head === undefined || request === undefined) return undefined;
  const [status = '', bytes = ''] = line
    .slice(request.end, request.end + 32)
    .trimStart()
    .split(' ', 2);
  if (!/^\d{3}$/.test(status)) return undefined;
  return {
    timestamp: line.slice(open + 2, close),
    ...head,
    ...readRequest(request.text),
    'sc-status': Number(status),
    ...readBytes(bytes),
    ...readBehind(line, request.end),
  };
}

function readBytes(text: string): Fields {
  return /^\d{1,15}$/.test(text) ? { 'sc-bytes': Number(text) } : {};
}

/** `client ident user`, or `host:port client ident user`; several clients where proxies forward one another's. */
function readHead(text: string): Fields | undefined {
  const words = text.split(' ').filter((word) => word !== '');
  if (words.length < 3 || words.length > 20) return undefined;
  const user = words.at(-1);
  const named = user === '-' ? {} : { 'cs-username': user };
  const clients = words.slice(0, -2).map((word) => (word.endsWith(',') ? word.slice(0, -1) : word));
  const isList = words[0]?.endsWith(',') === true;
  if (clients.length > 2 && !isList) return undefined;
  const [first = '', second] = clients;
  if (isList) return { 'c-ip': first, 'x-forwarded-for': clients, ...named };
  return second === undefined ? { 'c-ip': first, ...named } : { 'c-ip': second, 'cs-host': first, ...named };
}

/** `METHOD uri HTTP/1.1`; what is no request stands as it is under `cs-uri`. */
function readRequest(text: string): Fields {
  if (text === '-' || text === '') return {};
  const methodEnd = text.indexOf(' ');
  const uriEnd = text.lastIndexOf(' ');
  if (methodEnd <= 0 || methodEnd > 16) return { 'cs-uri': text };
  const hasVersion = uriEnd > methodEnd && text.startsWith('HTTP/', uriEnd + 1);
  const uri = text.slice(methodEnd + 1, hasVersion ? uriEnd : text.length);
  const query = uri.indexOf('?');
  return {
    'cs-method': text.slice(0, methodEnd),
    'cs-uri': uri,
    'cs-uri-stem': query === -1 ? uri : uri.slice(0, query),
    ...(query === -1 ? {} : { 'cs-uri-query': uri.slice(query + 1) }),
    ...(hasVersion ? { 'cs-version': text.slice(uriEnd + 1) } : {}),
  };
}

/** `"referer" "agent"` behind the bytes, and what follows them. */
function readBehind(line: string, from: number): Fields {
  const open = line.indexOf(' "', from);
  const referer = open === -1 ? undefined : readQuoted(line, open + 1);
  if (referer === undefined) return {};
  const agent = line[referer.end] === ' ' ? readQuoted(line, referer.end + 1) : undefined;
  return {
    ...(isGiven(referer.text) ? { 'cs-referer': referer.text } : {}),
    ...(agent !== undefined && isGiven(agent.text) ? { 'cs-user-agent': agent.text } : {}),
  };
}

function isGiven(text: string): boolean {
  return text !== '' && text !== '-';
}

/** Text in quotes at `from`, `\"` undone, and where it ends. */
function readQuoted(line: string, from: number): { text: string; end: number } | undefined {
  if (line[from] !== '"') return undefined;
  for (let at = from + 1; at < line.length; at++) {
    if (line[at] === '\\') at++;
    else if (line[at] === '"') return { text: line.slice(from + 1, at).replaceAll('\\"', '"'), end: at + 1 };
  }
  return undefined;
}

/** Clients, host and user together. */
const MAX_HEAD = 1024;
