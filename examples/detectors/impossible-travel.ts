/** Impossible travel: one user signs in from two places that nobody could have travelled between in the time. */
import type { Match } from '@tocsin/core';
import type { Detector } from '@tocsin/detect';

/** Faster than any airliner, kilometres an hour; and distances at which a place may be a guess of the address's. */
const MAX_KMH = 1000;
const MIN_KM = 300;
const EARTH_KM = 6371;

/** Last sign-in of a user. */
interface LastSeen {
  readonly match: Match | null;
}

export const detector: Detector<LastSeen> = {
  id: 'impossible-travel',
  title: 'Sign-ins from places too far apart',
  description:
    'One account signed in from two places that cannot both be its owner. Ask the owner, then end the sessions and change the password.',
  level: 'high',
  tags: ['attack.initial-access', 'attack.t1078'],
  sources: [{ product: 'json' }],
  fields: ['user', 'latitude', 'longitude'],
  select: (event) => event.get('action') === 'sign-in' && event.get('outcome') === 'success',
  fold: {
    groupName: 'user',
    version: 1,
    key: (match) => (place(match) === undefined ? undefined : match.group['user']),
    initial: () => ({ match: null }),
    advance({ match: last }, match) {
      // Out of order: the newest place stays the one to compare with.
      const [earlier, later] = last !== null && last.timeMs > match.timeMs ? [match, last] : [last, match];
      const state = { match: later };
      if (earlier === null) return { state };
      const km = distanceKm(earlier, later);
      const kmh = km / Math.max((later.timeMs - earlier.timeMs) / 3_600_000, 1 / 3600);
      if (km < MIN_KM || kmh < MAX_KMH) return { state };
      const because = `${Math.round(km)} km in ${Math.round((later.timeMs - earlier.timeMs) / 60_000)} minutes`;
      return { state, alert: { because, evidence: [earlier, later] } };
    },
  },
};

function place({ group }: Match): readonly [number, number] | undefined {
  const [latitude, longitude] = [Number(group['latitude'] ?? Number.NaN), Number(group['longitude'] ?? Number.NaN)];
  return Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180 ? [latitude, longitude] : undefined;
}

/** Along the great circle (haversine formula). */
function distanceKm(a: Match, b: Match): number {
  const [[lat1, lon1], [lat2, lon2]] = [place(a) ?? [0, 0], place(b) ?? [0, 0]];
  const rad = Math.PI / 180;
  const h =
    Math.sin(((lat2 - lat1) * rad) / 2) ** 2 + Math.cos(lat1 * rad) * Math.cos(lat2 * rad) * Math.sin(((lon2 - lon1) * rad) / 2) ** 2;
  return 2 * EARTH_KM * Math.asin(Math.min(1, Math.sqrt(h)));
}
