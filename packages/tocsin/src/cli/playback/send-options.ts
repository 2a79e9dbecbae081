/** Options of the commands that send files: as whom, how records are read, and in which lane. */
import { type CommandOption, choiceOption, type GivenOptions, textOption } from '../command.ts';
import type { WantedSource } from '../source-token.ts';

/** What is sent as where nothing is said. */
export interface SendDefaults {
  readonly source: string;
  readonly lane?: 'live' | 'bulk' | undefined;
}

/** The options; `lane` says what the lanes mean for the command. */
export function sendOptions({ source }: SendDefaults, lane: string): readonly CommandOption[] {
  return [
    { flags: '--source <name>', about: `source to send as, made on first use (default: ${source})` },
    {
      flags: '--format <format>',
      about:
        'how its records are read, where the source is made now: auto to tell by looks, or a name of docs/reference/formats.md (default: auto)',
    },
    { flags: '--lane <lane>', about: lane },
  ];
}

/** The source that was asked for. @throws cli.bad_option */
export function wantedSource(options: GivenOptions, { source, lane }: SendDefaults): WantedSource {
  return {
    name: textOption(options, 'source') ?? source,
    format: textOption(options, 'format'),
    lane: choiceOption(textOption(options, 'lane') ?? lane, '--lane', ['live', 'bulk']),
  };
}
