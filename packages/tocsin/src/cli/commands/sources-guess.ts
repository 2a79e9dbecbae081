/** `tocsin sources guess FILE`: which format and mapping a log file has, and how its first events look. Needs no installation. */
import { type FrameRecord, systemClock } from '@tocsin/core';
import type { Command } from '../command.ts';
import { sayCount, sayTime } from '../figures.ts';
import type { SourceGuess } from '../parse/guess-source.ts';
import type { Column } from '../terminal.ts';
import { visible } from '../visible-text.ts';

const GUESSES: readonly Column<SourceGuess>[] = [
  { title: 'FORMAT', value: ({ format }) => format },
  { title: 'MAPPING', value: ({ mapping }) => mapping },
  { title: 'RECORDS', value: ({ records }) => sayCount(records), right: true },
  { title: 'CONFIDENCE', value: ({ confidence }) => `${Math.round(confidence * 100)} %`, right: true },
];

const EVENTS: readonly Column<FrameRecord>[] = [
  { title: 'TIME', value: ({ timeMs }) => sayTime(timeMs) },
  { title: 'CLASS', value: ({ classUid }) => String(classUid), right: true },
  { title: 'SEVERITY', value: ({ severity }) => String(severity), right: true },
  { title: 'HOST', value: ({ attributes }) => attributes['device.hostname'] ?? '' },
  { title: 'USER', value: ({ attributes }) => attributes['actor.user.name'] ?? '' },
  { title: 'FROM', value: ({ attributes }) => attributes['src_endpoint.ip'] ?? '' },
  { title: 'TO', value: ({ attributes }) => attributes['dst_endpoint.ip'] ?? '' },
  { title: 'WHAT', value: ({ attributes }) => attributes['api.operation'] ?? attributes['process.file.path'] ?? '' },
  { title: 'STATUS', value: ({ attributes }) => attributes.status ?? '' },
];

const EXIT_BAD_DATA = 65;

/** `tocsin sources guess FILE`. */
export const sourcesGuess: Command = {
  name: 'sources guess',
  argument: '<file>',
  summary: 'say which format and mapping a log file has, and show its first events (no installation needed)',
  examples: ['tocsin sources guess /var/log/auth.log', 'tocsin sources guess export.csv --json'],
  async run({ terminal, environment }, [file = '']) {
    const { guessSource } = await import('../parse/guess-source.ts');
    const { shippedMappings } = await import('../rules/read-events.ts');
    const guess = await guessSource(file, { mappings: shippedMappings(), stdin: environment.stdin, clock: systemClock });
    if (terminal.json) terminal.object({ ...guess, first: guess.first.map(({ record: _record, ...event }) => event) });
    else if (guess.guesses.length > 0) {
      terminal.table(GUESSES, guess.guesses);
      terminal.line();
      terminal.table(EVENTS, guess.first);
      terminal.hint(`\nRegister a source for it: tocsin sources add NAME${guess.format === 'auto' ? '' : ` --format ${guess.format}`}`);
    }
    if (guess.rejected > 0)
      terminal.note(
        `${sayCount(guess.rejected)} of ${sayCount(guess.records)} records could not be read, the first because: ${visible(guess.firstReason ?? '')}`,
      );
    else if (guess.records === 0) terminal.note(`${visible(file)} holds no record.`);
    return guess.guesses.length === 0 ? EXIT_BAD_DATA : 0;
  },
};
