/** `tocsin dead-letters edit | redrive | discard`: what people do with dead letters. */
import { readFile } from 'node:fs/promises';
import { TocsinError } from '@tocsin/core';
import type { DeadLetter } from '../../deadletters/dead-letter.ts';
import { type Command, numberOption, textOption } from '../command.ts';
import { resolveDeadLetterId } from '../dead-letters/fetch-dead-letters.ts';
import { choiceOptions, readChoiceOptions, settleMany } from '../dead-letters/settle-many.ts';

const ALL = { flags: '--all', about: 'all that wait and fit the options, instead of ids' };

/** `tocsin dead-letters edit ID`. */
export const deadLettersEdit: Command = {
  name: 'dead-letters edit',
  argument: '<id>',
  summary: 'give a dead letter another content before it is redriven; the hashes of both are on the audit trail',
  options: [
    { flags: '--content <text>', about: 'the new content' },
    { flags: '--file <path>', about: 'file with the new content' },
  ],
  examples: [`tocsin dead-letters edit 4fd2 --content '{"user":"anna"}'`, 'tocsin dead-letters edit 4fd2 --file corrected.json'],
  async run({ terminal, api, interrupted }, [prefix = ''], options) {
    const content = await readContent(textOption(options, 'content'), textOption(options, 'file'));
    const client = await api();
    const id = await resolveDeadLetterId(client, prefix);
    const { deadLetter } = await client.call<{ deadLetter: DeadLetter }>('POST', `/dead-letters/${id}/edit`, {
      body: { contentBase64: content.toString('base64') },
      signal: interrupted,
    });
    if (terminal.json) terminal.object(deadLetter);
    else
      terminal.line(
        `Dead letter ${id.slice(0, 8)} has new content, sha256 ${deadLetter.sha256}. Try it: ${terminal.typed(`tocsin dead-letters redrive ${id.slice(0, 8)}`)}`,
      );
    return 0;
  },
};

/** `tocsin dead-letters redrive [ID…]`. */
export const deadLettersRedrive: Command = {
  name: 'dead-letters redrive',
  argument: '[id...]',
  summary: 'give dead letters back to the consumer that could not handle them',
  options: [ALL, ...choiceOptions, { flags: '--rate <count>', about: 'most letters a second, 1 to 1000 (default: 50)' }],
  examples: ['tocsin dead-letters redrive 4fd2', 'tocsin dead-letters redrive --all --consumer sink.pager --rate 10'],
  run(context, prefixes, options) {
    const perSecond = numberOption(options, 'rate', { min: 1, max: 1000 });
    const choice = chosen(prefixes, options);
    return settleMany(context, '/dead-letters/redrive', {
      prefixes,
      choice,
      more: perSecond === undefined ? {} : { perSecond },
      word: 'redriven',
    });
  },
};

/** `tocsin dead-letters discard [ID…]`. */
export const deadLettersDiscard: Command = {
  name: 'dead-letters discard',
  argument: '[id...]',
  summary: 'take the content of dead letters away for good; that they were, and why they went, stays',
  options: [ALL, ...choiceOptions, { flags: '--because <text>', about: 'why, for the audit trail; must be given' }],
  examples: [
    'tocsin dead-letters discard 4fd2 --because "test data"',
    'tocsin dead-letters discard --all --source lab --because "lab is gone"',
  ],
  run(context, prefixes, options) {
    const because = textOption(options, 'because');
    if (because === undefined || because === '')
      throw new TocsinError('cli.bad_option', { option: '--because', given: 'missing', wants: 'a reason' });
    return settleMany(context, '/dead-letters/discard', {
      prefixes,
      choice: chosen(prefixes, options),
      more: { because },
      word: 'discarded',
    });
  },
};

/** @throws cli.bad_option unless either ids or --all are given */
function chosen(prefixes: readonly string[], options: Readonly<Record<string, unknown>>): Record<string, string | undefined> {
  const isAll = options['all'] === true;
  if (isAll === prefixes.length > 0) {
    throw new TocsinError('cli.bad_option', {
      option: '--all',
      given: isAll ? 'given with ids' : 'missing',
      wants: 'either ids, or --all',
    });
  }
  return readChoiceOptions(options as Parameters<typeof readChoiceOptions>[0]);
}

async function readContent(text: string | undefined, path: string | undefined): Promise<Buffer> {
  if ((text === undefined) === (path === undefined)) {
    throw new TocsinError('cli.bad_option', { option: '--content', given: 'with or without --file', wants: 'either --content or --file' });
  }
  if (path === undefined) return Buffer.from(text ?? '');
  try {
    return await readFile(path);
  } catch (cause) {
    throw new TocsinError('cli.unreadable', { path, reason: (cause as Error).message }, { cause });
  }
}
