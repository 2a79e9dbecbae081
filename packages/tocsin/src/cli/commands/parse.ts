/** `tocsin parse`: what a door would make of files, as NDJSON. Needs no installation. What it does is in `cli/parse/run-parse.ts`. */
import type { Command } from '../command.ts';

export const parse: Command = {
  name: 'parse',
  argument: '<file...>',
  summary: 'show what Tocsin makes of log files: CloudEvents with OCSF data, one per line (no installation needed)',
  options: [
    {
      flags: '--as <type>',
      about: 'how the files are read: a format such as cef, or a mapping such as zeek.conn (default: told by looks)',
    },
    { flags: '--summary <form>', about: 'json: print one object of counts and nothing else' },
    { flags: '--strict', about: 'also check every event against the OCSF schema, and exit with 65 where one does not keep to it' },
  ],
  examples: ['tocsin parse /var/log/auth.log', 'tocsin parse --as zeek conn.log', 'zcat *.gz | tocsin parse --summary json -'],
  // Loaded when it runs: other commands need none of it.
  run: async (context, paths, options) => (await import('../parse/run-parse.ts')).runParse(context, paths, options),
};
