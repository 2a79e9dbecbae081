/** First-seen source: a user whose addresses have been known for a while signs in over SSH from a network nobody has seen with him. */
import type { Match } from '@tocsin/core';
import type { Detector } from '@tocsin/detect';

/** How long a user's networks are learned before a new one says something, and networks remembered of one user. */
const LEARN_MS = 7 * 86_400_000;
const MAX_NETWORKS = 64;

/** What is known of a user. */
interface Known {
  readonly sinceMs: number | null;
  /** Networks, the one used longest ago first. */
  readonly networks: readonly string[];
}

export const detector: Detector<Known> = {
  id: 'first-seen-source',
  title: 'Sign-in from a network never seen with this user',
  description: 'An account signed in from a network that it has not used before. Ask its owner whether he is travelling or has moved.',
  level: 'medium',
  tags: ['attack.initial-access', 'attack.t1078'],
  sources: [{ service: 'sshd' }],
  fields: [],
  select: ({ attributes }) =>
    attributes.status?.toLowerCase() === 'success' &&
    attributes['src_endpoint.ip'] !== undefined &&
    attributes['actor.user.name'] !== undefined,
  fold: {
    groupName: 'user',
    version: 1,
    key: (match) => entity(match, 'user'),
    initial: () => ({ sinceMs: null, networks: [] }),
    advance({ sinceMs, networks }, match) {
      const network = networkOf(entity(match, 'ip') ?? '');
      const since = Math.min(sinceMs ?? match.timeMs, match.timeMs);
      const state = { sinceMs: since, networks: [...networks.filter((known) => known !== network), network].slice(-MAX_NETWORKS) };
      if (networks.includes(network) || match.timeMs - since < LEARN_MS) return { state };
      return { state, alert: { because: `${network} was not among the ${networks.length} networks known of this user` } };
    },
  },
};

function entity({ entities }: Match, kind: string): string | undefined {
  return entities.find((one) => one.kind === kind)?.value;
}

/** An IPv4 address's /24, an IPv6 address's first three groups: addresses change within a network, people's networks seldom. */
function networkOf(ip: string): string {
  return ip.includes(':') ? `${ip.split(':').slice(0, 3).join(':')}::/48` : `${ip.split('.').slice(0, 3).join('.')}.0/24`;
}
