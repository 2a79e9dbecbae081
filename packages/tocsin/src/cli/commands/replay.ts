/** `tocsin replay`: lists replays; `replay show ID` shows how far one is, or follows it. */
import type { ReplayAnswer } from '../../api/replay-answer.ts';
import type { Command } from '../command.ts';
import { sayBytes, sayCount, saySpan, sayTime } from '../figures.ts';
import { fetchReplay, fetchReplays, readWhose, resolveReplayId, WHOSE_OPTION } from '../replays/fetch-replays.ts';
import { followReplay } from '../replays/follow-replay.ts';
import { PHASE_STYLES, sayOutcome, sayWhat } from '../replays/say-replay.ts';
import type { Column } from '../terminal.ts';
import { visible } from '../visible-text.ts';

const COLUMNS: readonly Column<ReplayAnswer>[] = [
  { title: 'ID', value: (row) => row.id },
  { title: 'STARTED', value: (row) => sayTime(row.createdMs) },
  { title: 'STATE', value: (row) => row.phase, style: (row) => PHASE_STYLES[row.phase] },
  { title: 'DONE', value: (row) => `${Math.floor(row.share * 100)} %`, right: true },
  { title: 'EVENTS', value: (row) => sayCount(row.events), right: true },
  { title: 'ALERTS', value: (row) => sayCount(row.alerts), right: true },
  { title: 'KEPT', value: (row) => sayBytes(row.bytes), right: true },
  { title: 'BY', value: (row) => row.actor },
  { title: 'WHAT', value: (row) => sayWhat(row.spec), least: 20 },
];

/** `tocsin replay`. */
export const replay: Command = {
  name: 'replay',
  summary: 'list replays, the newest first',
  options: [WHOSE_OPTION],
  examples: ['tocsin replay', 'tocsin replay list --json', 'tocsin replay start --from 2h'],
  async run({ terminal, api }, _, options) {
    const found = await fetchReplays(await api(), readWhose(options));
    if (terminal.json) terminal.object({ replays: found });
    else if (found.length === 0) terminal.hint('There is no replay. Play the log again with: tocsin replay start --from 2h');
    else terminal.table(COLUMNS, found);
    return 0;
  },
};

/** `tocsin replay show ID`. */
export const replayShow: Command = {
  name: 'replay show',
  argument: '<id>',
  summary: 'show how far a replay is (any unique beginning of the id will do)',
  options: [{ flags: '--follow', about: 'until it has ended' }, WHOSE_OPTION],
  examples: ['tocsin replay show 4fd2', 'tocsin replay show 4fd2 --follow'],
  async run(context, [prefix = ''], options) {
    const { terminal } = context;
    const client = await context.api();
    const whose = readWhose(options);
    const id = await resolveReplayId(client, prefix, whose);
    if (options['follow'] === true) await followReplay(context, client, { id, ...whose });
    const found = await fetchReplay(client, { id, ...whose });
    if (terminal.json) terminal.object(found);
    else {
      for (const [name, value] of factsOf(found)) terminal.line(`${terminal.style('dim', name.padEnd(9))} ${visible(value)}`);
      if (found.phase !== 'running' && found.phase !== 'waiting') sayOutcome(terminal, found);
    }
    return found.phase === 'failed' ? 1 : 0;
  },
};

function factsOf(found: ReplayAnswer): (readonly [string, string])[] {
  const { id, phase, actor, createdMs, spec, share, clockMs, etaMs, position, bytes, perSecond, events, duplicates, matches } = found;
  return [
    ['replay', `${id}, ${phase}, ${Math.floor(share * 100)} %`],
    ['asked by', `${actor} ${sayTime(createdMs)}`],
    ['what', sayWhat(spec)],
    ['judged', `${sayCount(events)} events, ${sayCount(duplicates)} duplicates left out, ${sayCount(matches)} matches`],
    ...(clockMs === undefined ? [] : [['at', `what was received ${sayTime(clockMs)}`] as const]),
    ...Object.entries(position).map(([lane, text]) => [`in ${lane}`, text] as const),
    ...(phase === 'running'
      ? [['pace', `${sayCount(perSecond)} events/s${etaMs === undefined ? '' : `, done in ${saySpan(etaMs)}`}`] as const]
      : []),
    ['kept', sayBytes(bytes)],
  ];
}
