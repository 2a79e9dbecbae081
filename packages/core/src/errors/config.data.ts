/** Error rows of the area `config.*`. `at` is the file, with `:line` where it is known. */
import type { ErrorTable } from './error-row.ts';

export const configErrors = {
  'config.invalid': {
    retry: 'never', http: 400, exit: 78,
    about: 'A configuration breaks one or more rules of its settings; each is listed with its line.',
    say: (d: { file: string; problems: readonly string[] }) =>
      `${d.file} was not taken, for ${d.problems.length === 1 ? 'one reason' : `${d.problems.length} reasons`}:\n${d.problems.map((text) => `  ${text}`).join('\n')}`,
  },
  'config.rules_not_taken': {
    retry: 'never', http: 400, exit: 65,
    about: 'Rules were read again, and one is refused that was not refused before.',
    say: (d: { at: string; reason: string; more: number }) =>
      `${d.at} is refused: ${d.reason}${d.more === 0 ? '' : ` (and ${d.more} more)`}. All rules stay as they were. Correct the file and reload again.`,
  },
  'config.unreadable': {
    retry: 'never', http: 400, exit: 78,
    about: 'A configuration file cannot be read, or is no YAML or JSON.',
    say: (d: { at: string; reason: string }) => `${d.at} cannot be read: ${d.reason}. Nothing of it was taken. Correct the file or name another.`,
  },
  'config.unknown_key': {
    retry: 'never', http: 400, exit: 78,
    about: 'There is no setting of this name. Unknown names are refused, so that a misspelt one is never ignored.',
    say: (d: { at: string; path: string; nearest?: string | undefined }) =>
      `${d.at}: there is no setting ${d.path}.${d.nearest === undefined ? ' Remove it.' : ` Did you mean ${d.nearest}?`}`,
  },
  'config.bad_value': {
    retry: 'never', http: 400, exit: 78,
    about: 'A setting has a value of the wrong form or out of its range.',
    say: (d: { at: string; path: string; found: string; wants: string }) => `${d.at}: ${d.path} is ${d.found}. Give ${d.wants}.`,
  },
  'config.missing': {
    retry: 'never', http: 400, exit: 78,
    about: 'A setting without a default is not given.',
    say: (d: { at: string; path: string; wants: string }) => `${d.at}: ${d.path} is not given and has no default. Give ${d.wants}.`,
  },
  'config.given_twice': {
    retry: 'never', http: 400, exit: 78,
    about: 'A setting is given under its present and under a former name.',
    say: (d: { at: string; path: string; was: string }) => `${d.at}: ${d.path} is also given under its former name ${d.was}. Remove ${d.was}.`,
  },
  'config.rule_broken': {
    retry: 'never', http: 400, exit: 78,
    about: 'Settings are right one by one and contradict each other.',
    say: (d: { at: string; path: string; rule: string; reason: string }) => `${d.at}: ${d.path} breaks the rule ${d.rule}: ${d.reason}.`,
  },
  'config.no_environment': {
    retry: 'never', http: 400, exit: 78,
    about: 'A value names an environment variable that is not set.',
    say: (d: { at: string; path: string; name: string }) => `${d.at}: ${d.path} names the environment variable ${d.name}, which is not set. Set it.`,
  },
  'config.fixed': {
    retry: 'never',
    http: 500,
    exit: 78,
    about: 'A setting that is fixed when an installation is created was given another value.',
    say: (d: { setting: string; is: string; wanted: string; dataDir: string }) =>
      `The installation in ${d.dataDir} was created with ${d.setting} ${d.is} and cannot be started with ${d.wanted}. Nothing was started. Take the setting out, or start another installation with --data.`,
  },
  'config.cannot_listen': {
    retry: 'never',
    http: 500,
    exit: 69,
    about: "The address to listen on is taken or not this machine's.",
    say: (d: { host: string; port: number; reason: string }) =>
      `Tocsin cannot listen on ${d.host}:${d.port} (${d.reason}). It has stopped again. Choose another port with --port, or end the program that uses this one.`,
  },
} satisfies ErrorTable;
