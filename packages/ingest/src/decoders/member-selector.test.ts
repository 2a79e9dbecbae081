/** The selector against the parser: whatever it says of a record is what `JSON.parse` says, and it reads nearly everything. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMemberSelector } from './member-selector.ts';

const NAMES = ['a', 'b', 'EventID', 'a.b', 'longer than sixteen bytes', 'ü', 'x'.repeat(300), 'constructor', 'tenant'];
const limits = { maxRecordBytes: 1 << 20, maxDepth: 8, maxKeys: 100 };
const selector = createMemberSelector(new Set(NAMES));
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** What the parser makes of the wanted members. */
function parsed(text: string): Record<string, unknown> | undefined {
  let whole: unknown;
  try {
    whole = JSON.parse(text);
  } catch {
    return undefined; // not JSON
  }
  if (typeof whole !== 'object' || whole === null || Array.isArray(whole)) return undefined;
  return Object.fromEntries(
    NAMES.filter((name) => Object.hasOwn(whole, name)).map((name) => [name, (whole as Record<string, unknown>)[name]]),
  );
}

/** JSON texts with white space, numbers and escapes as nobody writes them. */
const space = fc.constantFrom('', '', '', ' ', '\n', '\r\t ');
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ maxLength: 80 }),
  fc.constantFrom('', '\\', '"', '😀', '\u2028', 'ß'),
);
const escapedText = text.map((value) =>
  [...value]
    .map((char) =>
      char < '\u0100' && char.length === 1 ? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}` : JSON.stringify(char).slice(1, -1),
    )
    .join(''),
);
const string = fc.oneof(
  text.map((value) => JSON.stringify(value)),
  escapedText.map((value) => `"${value}"`),
);
const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.constantFrom('0', '-0', '1e400', '1E+2', '0.10', '-1.5e-3', '18446744073709551615'),
);
const { value } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    string,
    number,
    fc.constantFrom('true', 'false', 'null', '[]', '{}'),
    fc.tuple(space, fc.array(tie('value'), { maxLength: 3 })).map(([gap, items]) => `[${gap}${items.join(`${gap},`)}${gap}]`),
    fc
      .tuple(space, fc.array(fc.tuple(string, tie('value')), { maxLength: 3 }))
      .map(([gap, members]) => `{${gap}${members.map(([name, one]) => `${name}${gap}:${gap}${one}`).join(`,${gap}`)}${gap}}`),
  ),
}));
const name = fc.oneof(
  fc.constantFrom(...NAMES).map((one) => JSON.stringify(one)),
  string,
);
const record = fc
  .tuple(space, fc.array(fc.tuple(name, value), { maxLength: 8 }))
  .map(([gap, members]) => `${gap}{${gap}${members.map(([one, inner]) => `${one}${gap}:${gap}${inner}`).join(`${gap},${gap}`)}}${gap}`);

describe('the member selector', () => {
  it('finds what the parser finds', () => {
    let read = 0;
    let all = 0;
    fc.assert(
      fc.property(record, (json) => {
        const found = selector.select(encode(json), { ...limits, maxDepth: 64 });
        all += 1;
        if (found === undefined) return;
        read += 1;
        expect(found).toEqual(parsed(json));
      }),
      { numRuns: 3000 },
    );
    // Names of the first level with escapes are left to the parser; they are rare even here.
    expect(read).toBeGreaterThan(all / 4);
  });

  it('reads nothing that the parser refuses', () => {
    const mutation = fc.tuple(
      record,
      fc.nat(),
      fc.constantFrom('', '"', '\\', '{', '}', '[', ']', ',', ':', '0', '-', '.', 'e', '\u0000', '\n', 'ü'),
      fc.boolean(),
    );
    fc.assert(
      fc.property(mutation, ([json, place, put, replaces]) => {
        const at = place % (json.length + 1);
        const broken = json.slice(0, at) + put + json.slice(at + (replaces ? 1 : 0));
        const found = selector.select(encode(broken), { ...limits, maxDepth: 64 });
        if (found !== undefined) expect(found).toEqual(parsed(broken.toWellFormed()));
      }),
      { numRuns: 6000 },
    );
  });

  it.each([
    '',
    ' ',
    '{',
    '{"a"',
    '{"a":',
    '{"a":1',
    '{"a":1,',
    '{"a":1,}',
    '{"a":01}',
    '{"a":1.}',
    '{"a":.5}',
    '{"a":+1}',
    '{"a":1e}',
    '{"a":tru}',
    '{"a":nul',
    '[1]',
    '"a"',
    '{"a":1}x',
    '{"a":1}{',
    "{'a':1}",
    '{"a":"\n"}',
    '{"a":"\\x"}',
    '{"a":"\\u12"}',
    '{"a":"\\u123g"}',
    '{"a":[1,]}',
    '{"a":[}',
    '{"a":{"b"}}',
    '{"a":{]}',
    '{"a":NaN}',
    '\ufeff{}',
    '{"a":"',
    '{"a":"\\',
    '{"a":"\\"',
  ])('leaves %j to the parser', (json) => {
    expect(selector.select(encode(json), limits)).toBeUndefined();
  });

  it('keeps to the limits and refuses bytes that are no UTF-8', () => {
    const nested = (depth: number): string => `${'{"a":'.repeat(depth - 1)}{}${'}'.repeat(depth - 1)}`;
    expect(selector.select(encode(nested(8)), limits)).toBeDefined();
    expect(selector.select(encode(nested(9)), limits)).toBeUndefined();
    const keys = (count: number): string =>
      JSON.stringify({ a: Object.fromEntries(Array.from({ length: count - 1 }, (_, i) => [`k${i}`, i])) });
    expect(selector.select(encode(keys(100)), limits)).toBeDefined();
    expect(selector.select(encode(keys(101)), limits)).toBeUndefined();
    expect(selector.select(encode('{"a":1}'), { ...limits, maxRecordBytes: 6 })).toBeUndefined();
    const bad = encode('{"b":"xü","a":1}');
    bad[8] = 0xff;
    expect(selector.select(bad, limits)).toBeUndefined();
  });

  it('reads records of any length after one another', () => {
    for (const length of [3_000_000, 10, 900_000, 65_536]) {
      const json = `{"x":"${'y'.repeat(length)}","a":"${'z'.repeat(length)}"}`;
      expect(selector.select(encode(json), { ...limits, maxRecordBytes: 1e8 })).toEqual({ a: 'z'.repeat(length) });
    }
  });
});
