import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { ruleArchive, skipWithoutCorpora } from '../../test/corpora.ts';
import { decodeRules, encodeRules } from './encode-rules.ts';
import { ParseMemo } from './parse-memo.ts';
import { parseRules } from './parse-rules.ts';

const RULES = `
title: One
id: one
logsource: { product: test }
detection:
  sel: { a|contains: ["x*y", "\\u0001?\\\\*", "é\\uD83D\\uDE00"], b|windash|contains: " -x", c|re: "a.b", d: null, e|gt: 5 }
  kw: [ word ]
  condition: sel or not kw
tests:
  - event: { $map: [[1, 2]], $undefined: true, patterns: [x], __proto__: { a: 1 }, kind: text, cased: true, inf: .inf, marked: { kind: text, cased: true, patterns: [[{ kind: any }]], $map: 1 }, like: { kind: text, cased: true, patterns: [[{ kind: any }]], more: { $map: [] } } }
    expect: no_match
---
title: Count
id: count
correlation: { type: event_count, rules: [one], group-by: [u], aliases: { u: { one: a } }, timespan: 1m, condition: { gte: 2 } }
---
title: Broken
id: broken
detection: { sel: { a: 1 }, condition: other }
logsource: { product: test }
`;

describe('encodeRules', () => {
  it('gives back what it was given, refusals included', () => {
    const parsed = parseRules([{ path: 'r.yml', text: RULES }]);
    expect(parsed.rules).toHaveLength(2);
    expect(parsed.refused).toHaveLength(1);
    const read = decodeRules(encodeRules(parsed));
    expect(read.rules).toEqual(parsed.rules);
    expect(read.refused.map(({ error, ...rest }) => ({ ...rest, code: error.code, message: error.message }))).toEqual(
      parsed.refused.map(({ error, ...rest }) => ({ ...rest, code: error.code, message: error.message })),
    );
  });

  it('reads from shared memory', () => {
    const bytes = encodeRules(parseRules([{ path: 'r.yml', text: RULES }]));
    const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
    shared.set(bytes);
    expect(decodeRules(shared).rules).toEqual(decodeRules(bytes).rules);
  });

  it('refuses bytes that are cut off or followed by others', () => {
    const bytes = encodeRules(parseRules([{ path: 'r.yml', text: RULES }]));
    for (const length of [4, 10, bytes.length - 1]) expect(() => decodeRules(bytes.subarray(0, length))).toThrow();
    expect(() => decodeRules(new Uint8Array([...bytes, 1]))).toThrow(RangeError);
  });

  it('gives back all public rules', (context) => {
    skipWithoutCorpora(context);
    const files = ruleArchive('sigma-rules/sigmahq-rules.tar.gz');
    const parsed = parseRules(files);
    expect(decodeRules(encodeRules(parsed)).rules).toEqual(parsed.rules);
    const compact = parseRules(files, { compact: true });
    expect(compact).toEqual(parsed);
    // Rules that are held as bytes or text already are written as they are.
    expect(decodeRules(encodeRules(compact)).rules).toEqual(parsed.rules);
    expect(decodeRules(encodeRules(decodeRules(encodeRules(parsed)))).rules).toEqual(parsed.rules);
  });
});

describe('rules that are kept for long', () => {
  const files = Array.from({ length: 100 }, (_, i) => ({ path: `${i}.yml`, text: wordy(i) }));

  it('mean the same, also those that come later', () => {
    const memo = new ParseMemo();
    const parsed = parseRules([...files, { path: 'r.yml', text: RULES }]);
    expect(parseRules([...files, { path: 'r.yml', text: RULES }], { compact: true })).toEqual(parsed);
    parseRules(files.slice(1), { compact: true, memo });
    expect(parseRules(files, { compact: true, memo })).toEqual(parseRules(files));
  });

  it('hold what they look for as text: a fraction of the memory', () => {
    const before = heapBytes();
    const plain = parseRules(files);
    const plainBytes = heapBytes() - before;
    const compact = parseRules(files, { compact: true });
    const compactBytes = heapBytes() - before - plainBytes;
    // Two million characters are looked for, one by one.
    expect(plainBytes).toBeGreaterThan(16_000_000);
    expect(compactBytes).toBeLessThan(plainBytes / 4);
    expect(compact.rules).toHaveLength(plain.rules.length);
  });
});

function wordy(place: number): string {
  const words = Array.from({ length: 200 }, (_, i) => `"${'w'.repeat(100)}${place}-${i}"`).join(', ');
  const detection = `detection: { sel: { a|contains: [${words}] }, condition: sel }`;
  return `title: T${place}\nid: id${place}\nlogsource: { product: test }\n${detection}\n`;
}

/** Bytes of the heap that are in use after a full collection. */
function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}
