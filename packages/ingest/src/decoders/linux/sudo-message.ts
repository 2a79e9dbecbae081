/** Messages of sudo and su: who ran what as whom. */
import type { MessageFields } from './auth-message.ts';
import { present, wordAt } from './message-words.ts';

/** Fields of a sudo or su message; undefined where it is none that is known. */
export function readSudo(message: string): MessageFields | undefined {
  return message.startsWith('Successful su for ') ? readSu(message.slice('Successful su for '.length)) : readCommand(message);
}

/**
 * `  NAME : [reason ; ]TTY=pts/0 ; PWD=/home ; USER=root ; COMMAND=/bin/sh -c …`, in this order (sudo's `log_line`). The command
 * comes last and may hold anything, so the other facts are looked for only before it.
 */
function readCommand(message: string): MessageFields | undefined {
  const at = message.indexOf(' ; COMMAND=');
  const name = message.indexOf(' : ');
  if (at === -1 || name === -1 || name > at) return undefined;
  const facts = message.slice(name + ' : '.length, at);
  const tty = facts.indexOf('TTY=');
  if (tty === -1) return undefined;
  return present({
    event_action: 'sudo_command',
    user: message.slice(0, name).trim(),
    reason: facts.slice(0, tty).replace(' ; ', ''),
    tty: between(facts, 'TTY='),
    pwd: between(facts, ' ; PWD='),
    target_user: between(facts, ' ; USER='),
    command: message.slice(at + ' ; COMMAND='.length),
  });
}

/** `root by ubuntu`. */
function readSu(rest: string): MessageFields | undefined {
  const target = wordAt(rest, 0);
  const mark = ' by ';
  return rest.startsWith(mark, target.length)
    ? present({ event_action: 'su', user: wordAt(rest, target.length + mark.length), target_user: target })
    : undefined;
}

function between(facts: string, mark: string): string | undefined {
  const at = facts.indexOf(mark);
  if (at === -1) return undefined;
  const end = facts.indexOf(' ; ', at + mark.length);
  return facts.slice(at + mark.length, end === -1 ? undefined : end);
}
