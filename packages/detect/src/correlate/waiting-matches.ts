/** The first matches of a window that is not (yet) an episode: kept so that the alert can show what led to it. */
import { MAX_EVIDENCE } from './episode.ts';
import type { FoldMatch } from './held-match.ts';

const MAX_WAITING = MAX_EVIDENCE;

/** Keeps a match if there is room, after making room from what can no longer share a window with it. */
export function rememberMatch(waiting: FoldMatch[], match: FoldMatch, reachMs: number): void {
  if (waiting.length >= MAX_WAITING) {
    // They came about in order: where the first still may share a window, so may nearly all.
    if ((waiting[0]?.timeMs ?? 0) >= match.timeMs - reachMs) return;
    const kept = waiting.filter((one) => one.timeMs >= match.timeMs - reachMs);
    waiting.splice(0, waiting.length, ...kept);
  }
  if (waiting.length < MAX_WAITING) waiting.push(match);
}
