/** Telegraf's cases of syslog framing and parsing, where the corpora are. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { corporaFolder } from './corpora.ts';

/** One case: what came in, and what a correct receiver reads. */
export interface SyslogCase {
  readonly case: string;
  readonly framing: string;
  readonly input_b64: string;
  readonly expected_line_protocol: string | null;
  readonly expected_error: string | null;
}

const path = join(corporaFolder, 'syslog-framing/telegraf-syslog-cases.ndjson.gz');

/** All cases, by name; none where the corpora are not there. */
export const syslogCases: readonly (readonly [string, SyslogCase])[] = existsSync(path)
  ? gunzipSync(readFileSync(path))
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as SyslogCase)
      .map((each) => [each.case, each] as const)
  : [];
