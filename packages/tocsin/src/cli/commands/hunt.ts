/** `tocsin hunt`: rules over log files, offline. Needs no installation: nothing but the files. What it does is in `cli/hunt/run-command.ts`. */
import type { Command } from '../command.ts';

export const hunt: Command = {
  name: 'hunt',
  argument: '<path...>',
  summary: 'run rules over log files, offline, and show what they find (no installation needed)',
  options: [
    { flags: '--rules <path>', about: 'a rule file, or a folder of them (default: the rules that come with Tocsin)' },
    { flags: '--output <form>', about: 'table, json, ndjson, csv or sarif (default: table)' },
    { flags: '--summary <form>', about: 'json: print one object of counts and times and nothing else' },
    {
      flags: '--fail-on <level>',
      about: 'exit with 1 where something of this level or above is found: informational, low, medium, high, critical',
    },
    {
      flags: '--jobs <count>',
      about: 'most threads that judge; further ones join where there is much to judge (default: one per processor)',
    },
    {
      flags: '--log-source-fields <parts>',
      about:
        "take each event's log source from its fields: product=FIELD,service=FIELD,category=FIELD (default: told by Tocsin's mappings)",
    },
    { flags: '--cache <folder>', about: "keep parsed rules here, to load them faster (default: the user's own cache folder)" },
    { flags: '--no-cache', about: 'read every rule from its file' },
  ],
  examples: [
    'tocsin hunt --rules ./sigma/rules evidence.evtx',
    'tocsin hunt --rules ./sigma/rules /var/log --fail-on high',
    'tocsin hunt --rules rule.yml --output ndjson logs/ | jq .host',
    'zcat logs/*.gz | tocsin hunt --rules ./sigma/rules --output sarif - > findings.sarif',
  ],
  // Loaded when it runs: other commands need none of it.
  run: async (context, paths, options) => (await import('../hunt/run-command.ts')).runHuntCommand(context, paths, options),
};
