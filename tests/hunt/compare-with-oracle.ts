/**
 * `npm run oracle [-- --every N --results FILE --report FOLDER RECORDING…]`: what `tocsin hunt` prints over the recordings of windows-otrf
 * with all public rules, against the naive oracle. What the oracle found is kept in FILE, a line per recording, so that a long run can be cut
 * short and taken up, and another build of the command be compared without it; `--kept` reports what FILE holds and judges nothing. `--every N` looks at every Nth event. Exit code 1 where there is a difference.
 */
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { ruleArchive, textLines } from '../../packages/detect/test/corpora.ts';
import { conditions } from '../conditions.ts';
import { type ComparedRecording, compareRecording, hashOfMatches } from './compared-recording.ts';
import { readBoth } from './hunt-oracle.ts';
import { oracleReport, oracleReportPage } from './oracle-report.ts';
import { printedMatches } from './printed-matches.ts';

const EVENTS = 'windows-otrf/events';
const { values, positionals } = parseArgs({
  options: {
    every: { type: 'string', default: '1' },
    results: { type: 'string' },
    report: { type: 'string' },
    kept: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});
const begun = conditions();
const files = ruleArchive('sigma-rules/sigmahq-rules.tar.gz');
const rules = readBoth(files);
const known = new Map(readResults().map((one) => [one.recording, one]));
const compared: ComparedRecording[] = [];
const folder = mkdtempSync(join(tmpdir(), 'tocsin-oracle-'));
try {
  for (const { path, text } of files) {
    mkdirSync(dirname(join(folder, 'rules', path)), { recursive: true });
    writeFileSync(join(folder, 'rules', path), text);
  }
  for (const recording of positionals.length > 0 ? positionals : recordings()) {
    const before = known.get(recording);
    if (!values.kept) compared.push(compare(recording));
    else if (before !== undefined) compared.push(before);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const names = new Set(compared.map(({ recording }) => recording));
const left = recordings().filter((name) => !names.has(name));
const report = oracleReport(compared, {
  left,
  conditions: begun,
  rules: rules.parsed.length,
  every: Number(values.every),
});
process.stdout.write(`${JSON.stringify(report.total)}\n`);
if (values.report !== undefined) {
  writeFileSync(join(values.report, 'hunt-oracle.json'), `${JSON.stringify(report, null, 1)}\n`);
  writeFileSync(join(values.report, 'hunt-oracle.md'), oracleReportPage(report));
}
process.exitCode = report.total.missing + report.total.extra === 0 ? 0 : 1;

function compare(recording: string): ComparedRecording {
  const lines = textLines(`${EVENTS}/${recording}`).filter((_, i) => i % Number(values.every) === 0);
  const path = join(folder, 'events.ndjson');
  writeFileSync(path, lines.map((line) => `${line}\n`).join(''));
  const printed = printedMatches(path, folder);
  const before = known.get(recording);
  const isKnown = before?.events === lines.length && before.matchesSha256 === hashOfMatches(printed.matches) && before.missing.length === 0;
  if (isKnown) return before;
  const one = compareRecording({ recording, lines, rules, printed });
  process.stdout.write(
    `${recording}: ${one.events} events, ${one.matches} matches, ${one.missing.length} missing, ${one.extra.length} extra\n`,
  );
  if (values.results !== undefined) appendFileSync(values.results, `${JSON.stringify(one)}\n`);
  return one;
}

function readResults(): ComparedRecording[] {
  if (values.results === undefined || !existsSync(values.results)) return [];
  const lines = readFileSync(values.results, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as ComparedRecording);
}

/** All recordings, by name. */
function recordings(): string[] {
  const root = process.env['TOCSIN_CORPORA'] ?? join(import.meta.dirname, '../../../shared/corpora');
  return readdirSync(join(root, EVENTS))
    .filter((name) => name.endsWith('.ndjson.gz'))
    .sort();
}
