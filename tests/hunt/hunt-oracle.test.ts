/** Public rules over recorded attacks: a hunt finds exactly what the naive oracle finds. Over a sample here; over everything by `compare-with-oracle.ts`. */
import { describe, expect, it } from 'vitest';
import { hasCorpora, needsCorpora, ruleArchive, textLines } from '../../packages/detect/test/corpora.ts';
import { huntLines, oracleMatches, readBoth } from './hunt-oracle.ts';

/** A recording of each shape, and every so many of its events. */
const SAMPLES = [
  ['windows-otrf/events/defense_evasion__empire_launcher_sct_regsvr32.ndjson.gz', 23],
  ['windows-otrf/events/LSASS_campaign_02__metasploit_procdump_lsass_memory_dump.ndjson.gz', 37],
] as const;

describe('a hunt with public rules', () => {
  needsCorpora();
  const rules = readBoth(hasCorpora ? ruleArchive('sigma-rules/sigmahq-rules.tar.gz') : []);

  it.each(SAMPLES)(
    'finds in %s what the oracle finds',
    async (path, every) => {
      const lines = textLines(path).filter((_, i) => i % every === 0);
      const { matches, events, unparsed } = await huntLines(rules, lines);
      const refused = new Set<string>();
      const expected = oracleMatches(rules, lines, (id) => refused.add(id));
      expect([...refused]).toEqual([]);
      expect({ events, unparsed }).toEqual({ events: lines.length, unparsed: 0 });
      expect([...matches].sort()).toEqual([...expected].sort());
    },
    300_000,
  );
});
