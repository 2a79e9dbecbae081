/** Remembered matches: those that are packed come back as they were, and numbers of those that are gone are given out again. */
import type { Position } from '@tocsin/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EvidenceLocker } from './evidence-locker.ts';
import type { RememberedMatch } from './held-match.ts';
import { PackedMatches } from './packed-match.ts';

const seed = Number(process.env['TOCSIN_SEED'] ?? Date.now() & 0x7fffffff);
const latin = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((unit) => String.fromCharCode(unit)), maxLength: 40 });
const matches = fc.record({
  timeMs: fc.integer({ min: -8.64e15, max: 8.64e15 }),
  receivedMs: fc.integer({ min: 0, max: 8.64e15 }),
  evidence: fc.record({
    source: latin,
    eventId: latin,
    sha256: fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 64, maxLength: 64 }),
    at: fc.record({ position: latin, index: fc.nat(0xffffffff) }),
  }),
  group: fc.dictionary(
    latin.filter((name) => name !== '__proto__'),
    latin,
    { maxKeys: 3, noNullPrototype: true },
  ),
  entities: fc.array(fc.record({ kind: fc.constantFrom('host', 'user'), value: latin }), { maxLength: 4 }),
});

function matchOf(parts: { timeMs: number; evidence: object }): RememberedMatch {
  return { ...parts, evidence: { ...parts.evidence, timeMs: parts.timeMs }, explanation: [] } as unknown as RememberedMatch;
}

describe('packed matches', () => {
  it(`come back as they were (seed ${seed})`, () => {
    const packed = new PackedMatches(true);
    const kept: [number, RememberedMatch][] = [];
    fc.assert(
      fc.property(matches, fc.nat(), (parts, which) => {
        const match = matchOf(parts);
        const at = packed.pack(match);
        expect(at).toBeDefined();
        kept.push([at as number, match]);
        const [gone] = kept.length > 20 ? kept.splice(which % kept.length, 1) : [];
        if (gone !== undefined) packed.free(gone[0]);
        for (const [start, wanted] of kept) expect(packed.unpack(start)).toEqual(wanted);
      }),
      { seed, numRuns: 200 },
    );
  });

  it('are refused where the form has no room for them', () => {
    const packed = new PackedMatches(true);
    const match = matchOf(fc.sample(matches, { seed: 1, numRuns: 1 })[0] as { timeMs: number; evidence: object });
    const withEvidence = (part: object): RememberedMatch => ({ ...match, evidence: { ...match.evidence, ...part } });
    expect(packed.pack(withEvidence({ eventId: 'Ж' }))).toBeUndefined();
    expect(packed.pack(withEvidence({ eventId: 'x'.repeat(70_000) }))).toBeUndefined();
    expect(packed.pack(withEvidence({ sha256: 'none' }))).toBeUndefined();
    expect(packed.pack(withEvidence({ sha256: 'G'.repeat(64) }))).toBeUndefined();
    expect(packed.pack(withEvidence({ at: { position: 'p' as Position, index: 1 } }))).toBeDefined();
  });
});

describe('the locker', () => {
  it('keeps the latest as they came, older ones without details, and weighs nothing when all are released', () => {
    const locker = new EvidenceLocker(false);
    const excerpt = { excerpt: 'the record' };
    const all = Array.from({ length: 5000 }, (_, i) =>
      matchOf({
        timeMs: i,
        receivedMs: i,
        group: { k: 'v' },
        entities: [{ kind: 'host', value: i % 2 === 0 ? 'h' : 'хост' }],
        evidence: { source: 's', eventId: `e${i}`, sha256: 'ab'.repeat(32), at: { position: 'p', index: i }, ...excerpt },
      } as never),
    );
    const entries = all.map((match) => locker.put(match));
    expect(locker.put(all.at(-1) as RememberedMatch)).toBe(entries.at(-1));
    expect(locker.get(entries.at(-1) as number)).toBe(all.at(-1));
    for (const i of [0, 1]) {
      const kept = locker.get(entries[i] as number);
      expect(kept.evidence.excerpt).toBeUndefined();
      expect({ ...kept.evidence, ...excerpt }).toEqual(all[i]?.evidence);
      expect(kept.entities).toEqual(all[i]?.entities);
    }
    locker.release(entries.at(-1) as number);
    expect(locker.get(entries.at(-1) as number)).toBe(all.at(-1));
    for (const entry of entries) locker.release(entry);
    expect(locker.bytes).toBe(0);
    expect(entries).toContain(locker.put(all[0] as RememberedMatch));
  });
});
