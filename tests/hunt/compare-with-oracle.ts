/**
 * `TOCSIN_CORPORA=FOLDER node --conditions=tocsin-source tests/hunt/compare-with-oracle.ts [EVERY] [FILE…]`: a hunt over the
 * recordings of windows-otrf with all public rules against the naive oracle, every EVERYth event (default 1: all of them). Prints a line
 * per file and every difference; exit code 1 where there is one.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ruleArchive, textLines } from '../../packages/detect/test/corpora.ts';
import { huntLines, oracleMatches, readBoth } from './hunt-oracle.ts';

const EVENTS = 'windows-otrf/events';
const [every = '1', ...only] = process.argv.slice(2);
const rules = readBoth(ruleArchive('sigma-rules/sigmahq-rules.tar.gz'));
const refused = new Set<string>();
let differences = 0;
let compared = 0;
let found = 0;
for (const name of only.length > 0 ? only : readdirSync(join(process.env['TOCSIN_CORPORA'] ?? '', EVENTS)).sort()) {
  const lines = textLines(`${EVENTS}/${name}`).filter((_, i) => i % Number(every) === 0);
  const { matches } = await huntLines(rules, lines);
  const expected = oracleMatches(rules, lines, (id) => refused.add(id));
  const missing = [...expected].filter((match) => !matches.has(match));
  const extra = [...matches].filter((match) => !expected.has(match));
  differences += missing.length + extra.length;
  compared += lines.length;
  found += matches.size;
  console.log(`${name}: ${lines.length} events, ${matches.size} matches, ${missing.length} missing, ${extra.length} extra`);
  for (const match of missing.slice(0, 10)) console.log(`  missing ${match}`);
  for (const match of extra.slice(0, 10)) console.log(`  extra ${match}`);
}
console.log(
  `${compared} events, ${found} matches, ${differences} differences; the oracle refuses ${refused.size} rules ${[...refused].join(' ')}`,
);
process.exitCode = differences === 0 ? 0 : 1;
