/** Following a replay until it ends: a bar on a terminal, a line now and then elsewhere. */
import type { ReplayAnswer } from '../../api/replay-answer.ts';
import type { ApiClient } from '../api-client.ts';
import type { CommandContext } from '../command.ts';
import { sayCount, sayMany, saySpan, sayTime } from '../figures.ts';
import { interruptibleWait } from '../interruptible-wait.ts';
import { fetchReplay, type Whose } from './fetch-replays.ts';

const LOOK_EVERY_MS = 400;
/** How often a line is written where there is no bar, milliseconds. */
const SAY_EVERY_MS = 5000;

/** Resolves with how it ended. Interrupted, it stops following; the replay goes on. */
export async function followReplay(
  { terminal, interrupted }: CommandContext,
  api: ApiClient,
  of: Whose & { readonly id: string },
): Promise<ReplayAnswer> {
  const bar = terminal.progress('replay');
  let saidMs = performance.now();
  try {
    for (;;) {
      const replay = await fetchReplay(api, of);
      if (replay.phase !== 'running' && replay.phase !== 'waiting') return replay;
      bar.show(replay.phase === 'waiting' ? undefined : replay.share, sayProgress(replay));
      if (!terminal.interactive && performance.now() - saidMs >= SAY_EVERY_MS) {
        saidMs = performance.now();
        terminal.note(`${Math.floor(replay.share * 100)} %  ${sayProgress(replay)}`);
      }
      await interruptibleWait(LOOK_EVERY_MS, interrupted);
    }
  } finally {
    bar.end();
  }
}

/** How far a replay is, in one line. */
export function sayProgress({ phase, events, perSecond, clockMs, etaMs, alerts, position }: ReplayAnswer): string {
  if (phase === 'waiting') return 'waits until it is its turn';
  const at = Object.entries(position).map(([lane, text]) => `${lane} ${text.slice(text.lastIndexOf('.') + 1)}`);
  return [
    sayMany(events, 'event'),
    ...(perSecond > 0 ? [`${sayCount(perSecond)}/s`] : []),
    sayMany(alerts, 'alert'),
    ...(clockMs === undefined ? [] : [`at ${sayTime(clockMs)}`]),
    ...(at.length === 0 ? [] : [`(${at.join(', ')})`]),
    ...(etaMs === undefined ? [] : [`done in ${saySpan(etaMs)}`]),
  ].join(' ');
}
