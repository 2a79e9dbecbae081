/** `tocsin replay start | stop | resume | remove`. */
import { TocsinError } from '@tocsin/core';
import type { ReplayAnswer } from '../../api/replay-answer.ts';
import type { RefusedLine } from '../../duties/detect-api.ts';
import type { ApiClient } from '../api-client.ts';
import { type Command, type CommandContext, type GivenOptions, listOption, textOption } from '../command.ts';
import { readRuleFiles } from '../read-rule-files.ts';
import { choiceOptions, readChoice } from '../replays/choice-options.ts';
import { readWhose, resolveReplayId, WHOSE_OPTION, type Whose, whoseQuery } from '../replays/fetch-replays.ts';
import { followReplay } from '../replays/follow-replay.ts';
import { sayOutcome } from '../replays/say-replay.ts';
import { noteRefused } from '../rule-reports.ts';

const DETACH = { flags: '--detach', about: 'do not wait until it has ended' };

/** `tocsin replay start`. */
export const replayStart: Command = {
  name: 'replay start',
  summary: 'play part of the log again, into a namespace of its own: nothing live is touched',
  options: [
    ...choiceOptions,
    { flags: '--speed <factor>', about: 'times as fast as received, such as 0.1, 1 or 60, or max (default: max)' },
    { flags: '--rules <paths...>', about: 'judge by these rules instead of those in force' },
    DETACH,
  ],
  examples: [
    'tocsin replay start --from 2h',
    "tocsin replay start --from 2026-01-02T10:00Z --to 2026-01-02T11:00Z --source edr --where 'Image|endswith=\\\\cmd.exe'",
    'tocsin replay start --from 1d --rules draft.yml --speed 60 --detach',
  ],
  async run(context, _, options) {
    const paths = listOption(options, 'rules');
    const files = paths.length > 0 ? await readRuleFiles(paths) : undefined;
    const body = { ...readChoice(options, Date.now()), speed: readSpeed(options), ...(files === undefined ? {} : { files }) };
    const client = await context.api();
    const { replay, refused } = await client.call<{ replay: ReplayAnswer; refused: RefusedLine[] }>('POST', '/replays', { body });
    noteRefused(context.terminal, refused);
    return await tell(context, client, { replay, options, whose: { tenant: replay.tenant } });
  },
};

/** `tocsin replay resume ID`. */
export const replayResume: Command = {
  name: 'replay resume',
  argument: '<id>',
  summary: 'let a replay go on where it was stopped or has failed',
  options: [DETACH, WHOSE_OPTION],
  examples: ['tocsin replay resume 4fd2', 'tocsin replay resume 4fd2 --detach'],
  async run(context, [prefix = ''], options) {
    const client = await context.api();
    const whose = readWhose(options);
    const replay = await act(client, prefix, { whose, act: 'resume' });
    return await tell(context, client, { replay, options, whose });
  },
};

/** `tocsin replay stop ID`. */
export const replayStop: Command = {
  name: 'replay stop',
  argument: '<id>',
  summary: 'stop a replay where it is; it can be resumed',
  options: [WHOSE_OPTION],
  examples: ['tocsin replay stop 4fd2'],
  async run({ terminal, api }, [prefix = ''], options) {
    const replay = await act(await api(), prefix, { whose: readWhose(options), act: 'stop' });
    if (terminal.json) terminal.object(replay);
    else sayOutcome(terminal, replay);
    return 0;
  },
};

/** `tocsin replay remove ID…`. */
export const replayRemove: Command = {
  name: 'replay remove',
  argument: '<id...>',
  summary: 'remove replays with everything they have found',
  options: [WHOSE_OPTION],
  examples: ['tocsin replay remove 4fd2', 'tocsin replay remove 4fd2 81c0'],
  async run({ terminal, api }, prefixes, options) {
    const client = await api();
    const whose = readWhose(options);
    const ids = new Set<string>();
    for (const prefix of prefixes) ids.add(await resolveReplayId(client, prefix, whose));
    for (const id of ids) {
      await client.call('DELETE', `/replays/${id}${whoseQuery(whose)}`);
      if (terminal.json) terminal.object({ id, removed: true });
      else terminal.line(`Replay ${id} is removed.`);
    }
    return 0;
  },
};

async function act(client: ApiClient, prefix: string, { whose, act }: { whose: Whose; act: 'stop' | 'resume' }): Promise<ReplayAnswer> {
  const id = await resolveReplayId(client, prefix, whose);
  return (await client.call<{ replay: ReplayAnswer }>('POST', `/replays/${id}/${act}${whoseQuery(whose)}`, { body: {} })).replay;
}

/** Follows it unless that is not wanted, and says how it ended. */
async function tell(
  context: CommandContext,
  client: ApiClient,
  { replay, options, whose }: { replay: ReplayAnswer; options: GivenOptions; whose: Whose },
): Promise<number> {
  const { terminal, interrupted } = context;
  const isDetached = options['detach'] === true;
  if (!isDetached && !terminal.json) terminal.note(terminal.style('dim', `Replay ${replay.id}. Ctrl-C stops watching; it goes on.`));
  try {
    const last = isDetached ? replay : await followReplay(context, client, { ...whose, id: replay.id });
    if (terminal.json) terminal.object(last);
    else sayOutcome(terminal, last);
    return last.phase === 'failed' ? 1 : 0;
  } catch (error) {
    if (!interrupted.aborted) throw error;
    terminal.note(terminal.typed(`It goes on. Look at it with: tocsin replay show ${replay.id}`));
    throw error;
  }
}

/** 0 is as fast as it goes. @throws cli.bad_option */
function readSpeed(options: GivenOptions): number | undefined {
  const given = textOption(options, 'speed');
  if (given === undefined || given === 'max') return undefined;
  const factor = /^[x×]?\d{1,6}(\.\d{1,4})?$/.test(given) ? Number(given.replace(/^[x×]/, '')) : Number.NaN;
  if (factor >= 0.01 && factor <= 1_000_000) return factor;
  throw new TocsinError('cli.bad_option', { option: '--speed', given, wants: 'a factor from 0.01 to 1000000, or max' });
}
