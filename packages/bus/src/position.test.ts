/** The position codec: what comes back, what is refused, and the text itself, which must never change. */
import { strict as assert } from 'node:assert';
import type { Position } from '@tocsin/core';
import fc from 'fast-check';
import { test } from 'vitest';
import { comparePositions, encodePosition, type PositionParts, parsePosition, sequenceIn } from './position.ts';

const LIFE = { site: 'vienna', stream: 'EVENTS_LIVE', generation: 'a1' };
const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 30 }).filter((text) => text.isWellFormed());
const parts = fc.record(
  {
    site: name,
    stream: name,
    generation: fc.stringMatching(/^[A-Za-z0-9]{1,32}$/),
    sequence: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  },
  { noNullPrototype: true },
);

/** All parts in a fixed order. */
function textOf(each: PositionParts): string {
  return JSON.stringify([each.site, each.stream, each.generation, each.sequence]);
}

test('the text of a position is fixed: it is kept in alerts and tables', () => {
  assert.equal(encodePosition({ ...LIFE, sequence: 42 }), 'vienna.EVENTS_LIVE.a1.42');
  assert.equal(
    encodePosition({ site: 'a.b', stream: 'é', generation: '0', sequence: Number.MAX_SAFE_INTEGER }),
    'a=2eb.=c3=a9.0.9007199254740991',
  );
});

test('what is encoded is parsed back, and no two share a text', () => {
  fc.assert(fc.property(parts, (each) => assert.deepEqual(parsePosition(encodePosition(each)), each)));
  fc.assert(fc.property(parts, parts, (a, b) => assert.equal(encodePosition(a) === encodePosition(b), textOf(a) === textOf(b))));
});

test('any text is parsed or refused as bus.bad_position', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[a-z=0-9.]{0,30}$/)), (text) => {
      try {
        assert.equal(encodePosition(parsePosition(text as Position)), text);
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'bus.bad_position');
      }
    }),
  );
});

const REFUSED = [
  '',
  '.',
  '...',
  'a.b.c',
  'a.b.c.',
  'a.b.c.0',
  'a.b.c.-1',
  'a.b.c.01',
  'a.b.c.1.',
  'a.b.c.1.2',
  'a.b.c.9007199254740993',
  'a.b..1',
  'a.b.c-d.1',
  '=2E.b.c.1',
  '=41.b.c.1',
  `${'a'.repeat(1_000)}.b.c.1`,
];
test.for(REFUSED)('refused: %s', (text) => {
  assert.throws(() => parsePosition(text as Position), { code: 'bus.bad_position' });
});

test('positions compare within one life of one stream only', () => {
  const early = encodePosition({ ...LIFE, sequence: 9 });
  const late = encodePosition({ ...LIFE, sequence: 10 });
  assert.ok(comparePositions(early, late) < 0 && comparePositions(late, early) > 0);
  assert.equal(comparePositions(late, late), 0);
  for (const other of [{ site: 'graz' }, { stream: 'EVENTS_BULK' }, { generation: 'a2' }]) {
    assert.throws(() => comparePositions(early, encodePosition({ ...LIFE, ...other, sequence: 9 })), { code: 'bus.bad_position' });
  }
});

test('a position beyond the end of its stream is refused', () => {
  const position = encodePosition({ ...LIFE, sequence: 10 });
  assert.equal(sequenceIn(LIFE, position, 10), 10);
  assert.throws(() => sequenceIn(LIFE, position, 9), { code: 'bus.bad_position' });
});

test('what cannot be a position is not encoded', () => {
  for (const sequence of [0, -1, 1.5, Number.NaN, 2 ** 53])
    assert.throws(() => encodePosition({ ...LIFE, sequence }), { code: 'bus.bad_position' });
  for (const generation of ['', 'a.b', 'a-b', 'x'.repeat(33)])
    assert.throws(() => encodePosition({ ...LIFE, generation, sequence: 1 }), { code: 'bus.bad_position' });
  assert.throws(() => encodePosition({ ...LIFE, site: '', sequence: 1 }), { code: 'bus.bad_name' });
});
