/** The child's stderr as log lines with levels, the last of them kept for error messages, and the ones that mean that storage is broken. */
import type { Readable } from 'node:stream';

/** Levels of a line. */
export type LogLevel = 'info' | 'warn' | 'error';

/** Takes one line of the server's log, without time and process number. */
export type ServerLog = (level: LogLevel, line: string) => void;

/** What is told about a log as it is read. */
export interface ServerLogReader {
  /** The newest lines, oldest first, joined by ` | `. */
  tail(): string;
}

const MAX_LINE = 8192;
const KEPT_LINES = 6;
const LEVELS: Readonly<Record<string, LogLevel>> = { ERR: 'error', FTL: 'error', WRN: 'warn' };
/** After these no acknowledgement ever comes (seen with fsync answering EIO), or JetStream turns itself off. */
const BROKEN_STORE = /Critical write error|will be DISABLED|JetStream out of (?:resources|space|File resources)/i;

/** Reads a log until its end. `onBroken` is called at lines that mean that nothing will be stored until a restart. */
export function readServerLog(stderr: Readable, log: ServerLog, onBroken: (line: string) => void): ServerLogReader {
  const kept: string[] = [];
  let rest = '';
  stderr.setEncoding('utf8');
  stderr.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = (lines.pop() ?? '').slice(0, MAX_LINE);
    for (const line of lines) take(line.slice(0, MAX_LINE));
  });
  function take(line: string): void {
    const match = /^\[\d+\] \S+ \S+ \[(\w{3})\] (.*)$/.exec(line);
    const level = LEVELS[match?.[1] ?? ''] ?? 'info';
    const text = match?.[2] ?? line;
    if (text.trim() === '') return;
    kept.push(text);
    if (kept.length > KEPT_LINES) kept.shift();
    log(level, text);
    if (BROKEN_STORE.test(text)) onBroken(text);
  }
  return { tail: () => kept.join(' | ') };
}
