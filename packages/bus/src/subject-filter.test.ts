/** Subject filters against the oracle, and the relations between filters against full scans over small subjects. */
import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { test } from 'vitest';
import { oracleMatches } from './contract/oracle-match.ts';
import { checkFilter, checkSubject, filtersOverlap, matchesSubject } from './subject-filter.ts';

const token = fc.constantFrom('a', 'b', 'ab', 'x');
const subject = fc.array(token, { minLength: 1, maxLength: 4 });
const filter = fc
  .tuple(fc.array(fc.oneof(token, fc.constant('*')), { maxLength: 4 }), fc.constantFrom([], ['>']))
  .map(([tokens, end]) => [...tokens, ...end])
  .filter((tokens) => tokens.length > 0);

/** Every subject of at most five tokens over an alphabet that holds all tokens used and one more. */
const everySubject = allSubjects(['a', 'b', 'ab', 'x', 'other'], 5);

test('the matcher agrees with the oracle', () => {
  fc.assert(
    fc.property(filter, subject, (f, s) => assert.equal(matchesSubject(f.join('.'), s.join('.')), oracleMatches(f, s))),
    { numRuns: 5_000 },
  );
});

test('filters overlap exactly when some subject is taken by both', () => {
  fc.assert(
    fc.property(filter, filter, (a, b) =>
      assert.equal(
        filtersOverlap(a.join('.'), b.join('.')),
        everySubject.some((s) => oracleMatches(a, s) && oracleMatches(b, s)),
      ),
    ),
    { numRuns: 300 },
  );
});

test('a matching filter need not be well formed to be safe: any text is answered', () => {
  fc.assert(fc.property(fc.string(), fc.string(), (f, s) => assert.equal(typeof matchesSubject(f, s), 'boolean')));
});

test.for(['a', 'a.b', 'tocsin.events.live.3.acme', 'a.=2a=2e', 'A-1_b.$', 'a.!~'])('subject %s', (text) => {
  assert.equal(checkSubject(text), text);
  assert.equal(checkFilter(text), text);
});

test.for(['*', '>', 'a.*', 'a.>', '*.*.b', 'a.*.>'])('filter %s', (text) => {
  assert.equal(checkFilter(text), text);
  assert.throws(() => checkSubject(text), { code: 'bus.bad_subject' });
});

test.for([
  '',
  '.',
  'a.',
  '.a',
  'a..b',
  'a b',
  'a\tb',
  'a\n',
  'é',
  '\u0000',
  'a*',
  '>a',
  '>.a',
  'a.>.b',
  '$JS.x',
  '_INBOX.x',
  'a'.repeat(1_025),
])('refused: %j', (text) => {
  assert.throws(() => checkSubject(text), { code: 'bus.bad_subject' });
  assert.throws(() => checkFilter(text), { code: 'bus.bad_subject' });
});

function allSubjects(tokens: readonly string[], most: number): string[][] {
  let layer: string[][] = tokens.map((each) => [each]);
  const all = [...layer];
  for (let length = 2; length <= most; length++) {
    layer = layer.flatMap((begun) => tokens.map((each) => [...begun, each]));
    all.push(...layer);
  }
  return all;
}
