/** `tocsin dead-letters`: lists what consumers could not handle; `dead-letters show ID` shows one with its content. */
import type { DeadLetter } from '../../deadletters/dead-letter.ts';
import { type Command, choiceOption, numberOption, textOption } from '../command.ts';
import { fetchDeadLetters, resolveDeadLetterId } from '../dead-letters/fetch-dead-letters.ts';
import { choiceOptions, readChoiceOptions } from '../dead-letters/settle-many.ts';
import { sayBytes, sayTime } from '../figures.ts';
import type { Column } from '../terminal.ts';
import { visible } from '../visible-text.ts';

const STATES = ['waiting', 'redriven', 'discarded', 'any'] as const;
const DEFAULT_LIMIT = 50;
const SHORT_ID = 8;

const COLUMNS: readonly Column<DeadLetter>[] = [
  { title: 'ID', value: (row) => row.id.slice(0, SHORT_ID) },
  { title: 'LAST TRIED', value: (row) => sayTime(row.lastMs) },
  { title: 'CONSUMER', value: (row) => row.consumer },
  { title: 'REASON', value: (row) => row.reason, style: (row) => (row.state === 'waiting' ? 'yellow' : 'dim') },
  { title: 'TRIES', value: (row) => String(row.attempts), right: true },
  { title: 'SOURCE', value: (row) => row.source ?? '' },
  { title: 'STATE', value: (row) => row.state },
  { title: 'ERROR', value: (row) => row.errors.at(-1)?.text ?? '' },
];

/** `tocsin dead-letters`. */
export const deadLetters: Command = {
  name: 'dead-letters',
  summary: 'list events and messages that could not be handled, those that were tried longest ago first',
  options: [
    ...choiceOptions,
    { flags: '--state <state>', about: `only ${STATES.join(', ')} (default: waiting)` },
    { flags: '-n, --limit <count>', about: `most entries (default: ${DEFAULT_LIMIT})` },
  ],
  examples: ['tocsin dead-letters', 'tocsin dead-letters --consumer match --reason deadline', 'tocsin dead-letters --state any --json'],
  async run({ terminal, api }, _, options) {
    const state = choiceOption(textOption(options, 'state'), '--state', STATES) ?? 'waiting';
    const limit = numberOption(options, 'limit', { min: 1, max: 1_000_000 }) ?? DEFAULT_LIMIT;
    const filter = { ...readChoiceOptions(options), state: state === 'any' ? undefined : state };
    const found: DeadLetter[] = [];
    for await (const letter of fetchDeadLetters(await api(), filter, limit)) {
      if (terminal.json) terminal.object(letter);
      else found.push(letter);
    }
    if (terminal.json) return 0;
    if (found.length === 0) terminal.hint('No dead letter fits: everything that was accepted has been handled.');
    else terminal.table(COLUMNS, found);
    if (found.length === limit) terminal.hint(`\nThese are the first ${limit}; more with -n.`);
    return 0;
  },
};

interface Shown {
  readonly deadLetter: DeadLetter;
  readonly contentBase64: string;
  readonly content?: string;
  readonly event?: Readonly<Record<string, unknown>>;
}

/** `tocsin dead-letters show ID`. */
export const deadLettersShow: Command = {
  name: 'dead-letters show',
  argument: '<id>',
  summary: 'show a dead letter with its attempts and its content (any unique beginning of the id will do)',
  examples: ['tocsin dead-letters show 4fd2', 'tocsin dead-letters show 4fd2 --json'],
  async run({ terminal, api }, [prefix = '']) {
    const client = await api();
    const shown = await client.call<Shown>('GET', `/dead-letters/${await resolveDeadLetterId(client, prefix)}`);
    if (terminal.json) {
      terminal.object(shown);
      return 0;
    }
    const { deadLetter: letter } = shown;
    const facts: readonly (readonly [string, string])[] = [
      ['id', letter.id],
      ['consumer', letter.scope === undefined ? letter.consumer : `${letter.consumer}, only ${letter.scope}`],
      [
        'state',
        `${letter.state}${letter.act === undefined ? '' : ` (${letter.act.kind} by ${letter.act.actor} ${sayTime(letter.act.atMs)})`}`,
      ],
      [
        'reason',
        `${letter.reason} after ${letter.attempts} ${letter.attempts === 1 ? 'attempt' : 'attempts'}, redriven ${letter.redrives} times`,
      ],
      ['stood at', `${letter.subject} ${letter.position}${letter.index === undefined ? '' : `#${letter.index}`}`],
      ['event', letter.eventId === undefined ? 'none: a whole message' : `${letter.eventId} from ${letter.source ?? 'an unknown source'}`],
      ['content', `${sayBytes(letter.bytes)}, sha256 ${letter.sha256}`],
    ];
    for (const [name, value] of facts) terminal.line(`${terminal.style('dim', name.padEnd(9))} ${visible(value)}`);
    for (const error of letter.errors) terminal.line(`${sayTime(error.atMs)}  ${terminal.style('yellow', visible(error.text))}`);
    terminal.line('');
    terminal.line(visible(shown.content ?? `${shown.contentBase64} (base64)`));
    return 0;
  },
};
