/** One act on many dead letters, asked for page by page, with what became of them. */
import type { CommandContext, CommandOption, GivenOptions } from '../command.ts';
import { textOption } from '../command.ts';
import { sayMany } from '../figures.ts';
import { visible } from '../visible-text.ts';
import { resolveDeadLetterId } from './fetch-dead-letters.ts';

/** Options by which dead letters are chosen. */
export const choiceOptions: readonly CommandOption[] = [
  { flags: '--consumer <name>', about: 'only of this consumer' },
  { flags: '--reason <reason>', about: 'only for this reason: unreadable, threw, deadline, memory, crashed, refused, exhausted' },
  { flags: '--source <name>', about: 'only of this source' },
  { flags: '--text <text>', about: 'only with this text in an error' },
];

/** The choice that was typed. */
export function readChoiceOptions(options: GivenOptions): Record<string, string | undefined> {
  return Object.fromEntries(['consumer', 'reason', 'source', 'text'].map((name) => [name, textOption(options, name)]));
}

interface Answer {
  readonly done: readonly string[];
  readonly failed: readonly { readonly id: string; readonly code: string; readonly message: string }[];
  readonly next?: string;
  readonly beforeMs: number;
}

/** Exit code of sysexits.h: some could not be settled. */
const EXIT_BAD_DATA = 65;
/** Ids of one request. */
const AT_ONCE = 100;

/** Asks for an act on the letters typed, or on all that are chosen; resolves with the exit code. */
export async function settleMany(
  context: CommandContext,
  path: string,
  wanted: { readonly prefixes: readonly string[]; readonly choice: object; readonly more: object; readonly word: string },
): Promise<number> {
  const { terminal, interrupted } = context;
  const api = await context.api();
  const done: string[] = [];
  const failed: Answer['failed'][number][] = [];
  const ask = async (body: object): Promise<Answer> => {
    const answer = await api.call<Answer>('POST', path, { body: { ...body, ...wanted.more }, signal: interrupted });
    done.push(...answer.done);
    failed.push(...answer.failed);
    return answer;
  };
  if (wanted.prefixes.length > 0) {
    const ids = new Set<string>();
    for (const prefix of wanted.prefixes) ids.add(await resolveDeadLetterId(api, prefix));
    for (let i = 0; i < ids.size; i += AT_ONCE) await ask({ ids: [...ids].slice(i, i + AT_ONCE) });
  } else {
    let answer = await ask({ all: true, ...wanted.choice });
    while (answer.next !== undefined) {
      if (terminal.interactive) terminal.note(`${sayMany(done.length, 'dead letter')} ${wanted.word} so far`);
      answer = await ask({ all: true, ...wanted.choice, after: answer.next, beforeMs: answer.beforeMs });
    }
  }
  if (terminal.json) terminal.object({ done, failed });
  else {
    for (const { message } of failed) terminal.note(visible(message));
    terminal.line(`${sayMany(done.length, 'dead letter')} ${wanted.word}`);
  }
  return failed.length > 0 ? EXIT_BAD_DATA : 0;
}
