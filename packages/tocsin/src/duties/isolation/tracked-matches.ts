/** Matches that tell which of them is being taken, whoever goes through them: for a step that has ended a thread before. */
import type { Match } from '@tocsin/core';

/** The same matches in the same order. `onTake` is told the place of each before it is taken, of a part of them too, and -1 behind the last. */
export function trackedMatches(matches: readonly Match[], onTake: (place: number) => void): readonly Match[] {
  const places = new Map(matches.map((match, place) => [match, place]));
  // What an array filters out of itself is of its own class: parts tell as well.
  class Tracked extends Array<Match> {
    override *[Symbol.iterator](): ArrayIterator<Match> {
      for (let i = 0; i < this.length; i++) {
        const match = this[i] as Match;
        onTake(places.get(match) ?? -1);
        yield match;
      }
      onTake(-1);
    }
  }
  return Tracked.from(matches);
}
