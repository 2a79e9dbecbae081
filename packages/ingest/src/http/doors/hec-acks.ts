/**
 * Acknowledgement ids of Splunk's collector. An id is given out once what it stands for is durable, so a channel needs to remember no more
 * than how many it gave out. Channels are bounded per source, the one used longest ago is forgotten; its ids then answer `false`, as they do
 * after a restart, and its agent sends again. Source: Splunk, "About HTTP Event Collector Indexer Acknowledgment".
 */
import { tenantKey } from '@tocsin/core';
import type { Source } from '../../source.ts';

/** Ids by source and channel. */
export interface HecAcks {
  /** The id of what was just stored, from 0 in each channel. */
  next(source: Source, channel: string): number;
  /** Whether an id was given out here, which is to say: is durable. */
  isDurable(source: Source, channel: string, id: number): boolean;
}

/** Channels remembered per source, and sources. */
const MAX_CHANNELS = 1000;
const MAX_SOURCES = 10_000;

/** No ids yet. */
export function createHecAcks(maxChannels: number = MAX_CHANNELS): HecAcks {
  const sources = new Map<string, Map<string, number>>();
  const channelsOf = ({ tenant, name }: Source): Map<string, number> => {
    const key = tenantKey(tenant, name);
    const known = sources.get(key) ?? new Map<string, number>();
    keepNewest(sources, { key, value: known, most: MAX_SOURCES });
    return known;
  };
  return {
    next(source, channel) {
      const channels = channelsOf(source);
      const id = channels.get(channel) ?? 0;
      keepNewest(channels, { key: channel, value: id + 1, most: maxChannels });
      return id;
    },
    isDurable: (source, channel, id) => id >= 0 && id < (channelsOf(source).get(channel) ?? 0),
  };
}

/** Sets an entry as the newest of a map and lets go of the oldest beyond the bound. */
function keepNewest<T>(map: Map<string, T>, { key, value, most }: { key: string; value: T; most: number }): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > most && oldest !== undefined) map.delete(oldest);
}
