/** The dedup fold against a naive model, and its bounds. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDedupFold, type DedupEvent, type DedupOptions, type DedupVerdict, MAX_CONTENTS_PER_ID } from './dedup-fold.ts';

const event: fc.Arbitrary<DedupEvent> = fc.record({
  tenant: fc.constantFrom('acme', 'ac', ''),
  source: fc.constantFrom('', 'me', 's'),
  id: fc.oneof(fc.nat({ max: 12 }).map(String), fc.constantFrom('__proto__', 'ü', '\ud800')),
  contentHash32: fc.nat({ max: 6 }).map((n) => n * 700_000_000),
  receivedMs: fc.nat({ max: 100 }),
});

/** What the fold promises, written down without any thought of speed. */
function createModel({ windowMs, maxEntries }: DedupOptions): (event: DedupEvent) => DedupVerdict {
  const entries: { key: string; content: number; ms: number }[] = [];
  let newest = Number.NEGATIVE_INFINITY;
  return ({ tenant, source, id, contentHash32, receivedMs }) => {
    newest = Math.max(newest, receivedMs);
    while (entries[0] !== undefined && entries[0].ms < newest - windowMs) entries.shift();
    const key = JSON.stringify([tenant, source, id]);
    const known = entries.filter((entry) => entry.key === key);
    if (known.some((entry) => entry.content === contentHash32)) return 'duplicate';
    if (known.length < MAX_CONTENTS_PER_ID) {
      if (entries.length === maxEntries) entries.shift();
      entries.push({ key, content: contentHash32, ms: newest });
    }
    return known.length === 0 ? 'first' : 'conflict';
  };
}

describe('the dedup fold', { timeout: 30_000 }, () => {
  it('knows an id again that comes after the clock was set back by more than the window', () => {
    const fold = createDedupFold({ windowMs: 300_000, maxEntries: 100 });
    const at = (id: string, receivedMs: number): DedupVerdict =>
      fold.advance({ tenant: 't', source: 's', id, contentHash32: 1, receivedMs });
    expect(at('a', 3_600_000)).toBe('first');
    expect(at('b', 0)).toBe('first');
    expect(at('c', 1)).toBe('first');
    expect(at('b', 2)).toBe('duplicate');
  });

  it('says what the model says', () => {
    const options = fc.record({
      windowMs: fc.nat({ max: 60 }),
      maxEntries: fc.integer({ min: 1, max: 20 }),
      key: fc.tuple(fc.integer(), fc.integer()),
    });
    fc.assert(
      fc.property(options, fc.array(event, { maxLength: 200 }), (bounds, events) => {
        const fold = createDedupFold(bounds);
        expect(events.map((one) => fold.advance(one))).toEqual(events.map(createModel(bounds)));
        expect(fold.size).toBeLessThanOrEqual(bounds.maxEntries);
      }),
      { numRuns: 1000 },
    );
  });

  it('says what the model says across growth and eviction of many ids', () => {
    const bounds = { windowMs: 5000, maxEntries: 1500 };
    const fold = createDedupFold(bounds);
    const model = createModel(bounds);
    for (let i = 0; i < 6000; i++) {
      const one = { tenant: 't', source: 's', id: `id-${(i * 7919) % 2500}`, contentHash32: i % 3, receivedMs: i };
      expect(fold.advance(one)).toBe(model(one));
    }
    expect(fold.size).toBe(1500);
  });

  it('keeps its window to the millisecond over months, and refuses one that it could not keep', () => {
    const windowMs = 1_000_000_000;
    const bounds = { windowMs, maxEntries: 100 };
    const fold = createDedupFold(bounds);
    const model = createModel(bounds);
    for (let i = 0; i < 400; i++) {
      // Steps of eleven days, a little less and a little more.
      const receivedMs = 1_700_000_000_000 + Math.floor(i / 4) * windowMs + (i % 3) - 1;
      const one = { tenant: 't', source: 's', id: `${(i >> 3) + (i % 5)}`, contentHash32: i % 2, receivedMs };
      expect(fold.advance(one)).toBe(model(one));
    }
    expect(() => createDedupFold({ windowMs: 2 ** 31 + 1, maxEntries: 1 })).toThrow(RangeError);
  });

  it('gives the same verdicts when its window is fed again', () => {
    const events = Array.from({ length: 3000 }, (_, i) => ({
      tenant: 't',
      source: 's',
      id: `${(i * 31) % 700}`,
      contentHash32: 1,
      receivedMs: i,
    }));
    const verdicts = (from: number): DedupVerdict[] => {
      const fold = createDedupFold({ windowMs: 400, maxEntries: 10_000 });
      return events.slice(from).map((one) => fold.advance(one));
    };
    // A fold that begins 401 ms before knows all that matters at 2000.
    expect(verdicts(1599).slice(401)).toEqual(verdicts(0).slice(2000));
  });

  it('stays within 28 bytes an entry', () => {
    const fold = createDedupFold({ windowMs: 1e9, maxEntries: 100_000 });
    const empty = fold.bytes;
    for (let i = 0; i < 100_000; i++) fold.advance({ tenant: 't', source: 's', id: `id-${i}`, contentHash32: i, receivedMs: i });
    expect(fold.size).toBe(100_000);
    expect(fold.bytes / fold.size).toBeLessThanOrEqual(28);
    expect(empty).toBeLessThan(16_384);
  });

  it('takes no time by a producer that gives every event one id', () => {
    const fold = createDedupFold({ windowMs: 1e9, maxEntries: 100_000 });
    for (let i = 0; i < 50_000; i++) fold.advance({ tenant: 't', source: 's', id: 'always', contentHash32: i, receivedMs: i });
    expect(fold.size).toBe(MAX_CONTENTS_PER_ID);
  });
});
