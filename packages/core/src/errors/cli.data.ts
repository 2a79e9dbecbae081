/** Error rows of the area `cli.*`: what the command line says of its own accord. */
import type { ErrorTable } from './error-row.ts';

export const cliErrors = {
  'cli.bad_option': {
    retry: 'never', http: 400, exit: 64,
    about: 'An option or argument of a command has a value it cannot have.',
    say: (d: { option: string; given: string; wants: string }) => `${d.option} is ${d.given}. Nothing was done. Give ${d.wants}.`,
  },
  'cli.unreadable': {
    retry: 'never', http: 400, exit: 66,
    about: 'A file or folder named on the command line cannot be read.',
    say: (d: { path: string; reason: string }) => `${d.path} cannot be read: ${d.reason}. Correct the path, the file or its permissions, then type the command again.`,
  },
  'cli.unwritable': {
    retry: 'never', http: 500, exit: 73,
    about: 'The data folder, or a file in it, cannot be written.',
    say: (d: { path: string; reason: string }) =>
      `${d.path} cannot be written: ${d.reason}. Make room or correct the permissions, or name another folder with --data; then type the command again.`,
  },
  'cli.no_alert': {
    retry: 'never', http: 404, exit: 66,
    about: 'No alert has an id that begins as the one typed.',
    say: (d: { prefix: string }) => `No alert's id begins with ${d.prefix}. Nothing was done. List them with: tocsin alerts`,
  },
  'cli.ambiguous_alert': {
    retry: 'never', http: 409, exit: 65,
    about: 'Several alerts have ids that begin as the one typed.',
    say: (d: { prefix: string; ids: readonly string[] }) => `Several alerts begin with ${d.prefix}: ${d.ids.join(', ')}. Nothing was done. Type more of the id.`,
  },
  'cli.no_dead_letter': {
    retry: 'never', http: 404, exit: 66,
    about: 'No dead letter, or more than one, has an id that begins as the one typed.',
    say: (d: { prefix: string; found: number }) =>
      `${d.found === 0 ? 'No dead letter has' : 'More than one dead letter has'} an id that begins with ${d.prefix}. Nothing was done. List them with: tocsin dead-letters --state any`,
  },
  'cli.no_rule': {
    retry: 'never', http: 404, exit: 66,
    about: 'No rule has the id, name or title typed.',
    say: (d: { rule: string; where: string; nearest: readonly string[] }) =>
      `There is no rule ${d.rule} in ${d.where}. Nothing was done. ${d.nearest.length > 0 ? `Did you mean ${d.nearest.join(', ')}?` : 'Give a rule file, or name the folder it is in with --rules.'}`,
  },
  'cli.no_source_token': {
    retry: 'never', http: 401, exit: 77,
    about: 'A source exists, but its token is not kept on this machine.',
    say: (d: { source: string; dataDir: string }) =>
      `Source ${d.source} exists, but its token is not kept in ${d.dataDir}. Nothing was sent. Choose another --source, or revoke it and send again: tocsin sources revoke ${d.source}`,
  },
  'cli.unsure': {
    retry: 'later', http: 503, exit: 75,
    about: 'A batch of events was sent again and again without an answer that says what became of it.',
    say: (d: { where: string; triedMs: number; reason: string }) =>
      `What begins at ${d.where} was not acknowledged within ${d.triedMs} ms: ${d.reason}. What came before is stored. Type the same command again: what is stored already is recognised.`,
  },
  'cli.bad_demo': {
    retry: 'never', http: 500, exit: 66,
    about: 'The recordings of the demo are not there or cannot be read.',
    say: (d: { folder: string; reason: string }) => `The demo's recordings in ${d.folder} cannot be used: ${d.reason}. Nothing was sent. Name their folder with --recordings.`,
  },
  'cli.not_private': {
    retry: 'never', http: 403, exit: 77,
    about: 'A file that holds a credential can be read by others.',
    say: (d: { path: string; mode: string }) => `${d.path} holds a credential and has mode ${d.mode}: others can read it. It was not used. Type: chmod 600 ${d.path}`,
  },
  'cli.no_replay': {
    retry: 'never', http: 404, exit: 66,
    about: 'No replay, or more than one, has an id that begins with what was typed.',
    say: (d: { prefix: string; found: readonly string[] }) =>
      `${d.found.length === 0 ? 'No replay has' : 'More than one replay has'} an id that begins with ${JSON.stringify(d.prefix)}${d.found.length === 0 ? '' : `: ${d.found.join(', ')}`}. Nothing was done. List them with: tocsin replay list`,
  },
} satisfies ErrorTable;
