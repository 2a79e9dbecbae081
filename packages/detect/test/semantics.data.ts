/**
 * What Sigma leaves open and Tocsin decides: one name per choice, as `docs/reference/sigma.md` uses it, with examples that hold it.
 * `src/semantics.test.ts` runs them through the engine and the oracle, and checks that page and table name the same choices.
 */

/** A detection line or a whole detection over an event, and whether it matches; or a fault instead. */
export type Example =
  | { readonly line: readonly [key: string, value: unknown]; readonly event: unknown; readonly matches: boolean }
  | { readonly detection: Readonly<Record<string, unknown>>; readonly event: unknown; readonly matches: boolean }
  | { readonly line: readonly [key: string, value: unknown]; readonly refused: string }
  | { readonly detection: Readonly<Record<string, unknown>>; readonly refused: string };

const yes = (key: string, value: unknown, event: unknown): Example => ({ line: [key, value], event, matches: true });
const no = (key: string, value: unknown, event: unknown): Example => ({ line: [key, value], event, matches: false });
const refused = (key: string, value: unknown, code: string): Example => ({ line: [key, value], refused: code });
const when = (condition: unknown, matches: boolean): Example => ({
  detection: { a1: { A: 1 }, a2: { A: 9 }, b: { B: 2 }, _c: { B: 2 }, condition },
  event: { A: 1, B: 2 },
  matches,
});
const wrong = (condition: unknown): Example => ({ detection: { a1: { A: 1 }, a2: { A: 9 }, _c: { B: 2 }, condition }, refused: 'detect.bad_condition' });

export const choices: Readonly<Record<string, readonly Example[]>> = {
  'case-folding': [yes('F', 'ÄRGER', { F: 'ärger' }), yes('F', 'ΟΔΟΣ', { F: 'οδος' }), yes('F', 'οδος*', { F: 'ΟΔΟΣx' }), no('F', 'STRASSE', { F: 'straße' })],
  'case-kept': [no('F|cased', 'Cmd', { F: 'cmd' }), yes('F|contains|cased', 'Cm', { F: 'xCmd' })],
  'wildcards-cross-lines': [yes('F', 'a*c', { F: 'a\r\nc' }), yes('F', 'a?c', { F: 'a\nc' })],
  'one-character': [yes('F', '?', { F: '😀' }), no('F', '?', { F: '' }), no('F', '?', { F: 'ab' })],
  'many-may-be-none': [yes('F', 'a*', { F: 'a' }), yes('F', '*', { F: '' }), no('F', '*', {})],
  backslash: [yes('F', 'a\\b', { F: 'a\\b' }), yes('F', 'a\\\\b', { F: 'a\\b' }), yes('F', 'a\\*b', { F: 'a*b' }), no('F', 'a\\*b', { F: 'axb' }), yes('F', 'a\\\\*', { F: 'a\\b' }), yes('F', 'a\\\\\\*', { F: 'a\\*' }), yes('F', 'C:\\\\\\\\x', { F: 'C:\\\\x' })],
  'trailing-backslash': [yes('F|contains', 'x\\', { F: 'x\\y' }), yes('F|endswith', '\\', { F: 'x\\' })],
  'empty-text': [yes('F', '', { F: '' }), no('F', '', {}), no('F', '', { F: null }), no('F', '', { F: [] })],
  'null-is-missing': [yes('F', null, {}), yes('F', null, { F: null }), no('F', null, { F: '' }), no('F', null, { F: [] }), yes('F', null, { F: ['a', null] })],
  'null-in-a-list': [yes('F', ['a', null], {}), yes('F', ['a', null], { F: 'A' })],
  'numbers-as-text': [yes('F', 4624, { F: '4624' }), yes('F', '4624', { F: 4624 }), yes('F|startswith', '46', { F: 4624 }), no('F', 1, { F: '1.0' })],
  'booleans-as-text': [yes('F', true, { F: 'True' }), yes('F', 'TRUE', { F: true }), no('F', true, { F: 1 })],
  'any-of-a-list': [yes('F', 'a', { F: ['b', 'A'] }), yes('F', 'a', { F: [['b', ['a']]] }), no('F', 'a', { F: [] })],
  'all-over-a-list': [yes('F|contains|all', ['a', 'b'], { F: ['xa', 'xb'] }), no('F|contains|all', ['a', 'b'], { F: ['xa', 'ya'] })],
  'all-of-one': [yes('F|contains|all', 'a', { F: 'xa' })],
  'maps-are-no-text': [no('F', '*', { F: { x: 'a' } }), no('F|contains', 'a', { F: { x: 'a' } })],
  'dotted-names': [yes('a.b', 1, { a: { b: 1 } }), yes('a.b', 1, { 'a.b': 1 }), no('a.b', 1, { 'a.b': 2, a: { b: 1 } }), yes('a.b.c', 1, { a: { 'b.c': 1 } })],
  'lists-on-the-way': [yes('a.b', 2, { a: [{ b: 1 }, { b: 2 }] }), no('a.0', 'x', { a: ['x'] })],
  'own-names-only': [no('constructor|exists', true, {}), no('a.length|exists', true, { a: 'x' }), yes('__proto__', 1, JSON.parse('{"__proto__":1}'))],
  'names-with-case': [no('image', 'x', { Image: 'x' })],
  'exists-with-null': [yes('F|exists', true, { F: null }), yes('F|exists', true, { F: [] }), yes('F|exists', false, {}), refused('F|exists', 'true', 'detect.bad_value')],
  'neq-negates-the-line': [yes('F|neq', 'a', { F: 'b' }), yes('F|neq', 'a', {}), no('F|neq', ['a', 'b'], { F: 'b' }), no('F|neq', 'a', { F: ['a', 'c'] }), yes('F|contains|neq', 'x', { F: 'b' }), no('F|neq', null, {})],
  'keywords-inside-values': [yes('', 'needle', { x: { y: ['a NEEDLE here'] } }), no('', 'needle', { needle: 'x' }), no('', 'a b', { x: 'a', y: 'b' }), yes('|startswith', 'a', { x: 'ab' }), no('|startswith', 'b', { x: 'ab' })],
  'keywords-types': [yes('', 4711, { n: { deep: 4711 } }), no('', 'true', { flag: true })],
  'keywords-all': [yes('|all', ['one', 'two'], { a: 'one', b: 'two' }), no('|all', ['one', 'two'], { a: 'one' })],
  'windash-dashes': [yes('F|windash|contains', ' -e', { F: 'x /e' }), yes('F|windash|contains', ' /e', { F: 'x \u2015e' }), yes('F|windash|contains', ' \u2013e', { F: 'x -e' })],
  'windash-flags-only': [no('F|windash|contains', 'a-b', { F: 'a/b' }), no('F|windash', '- x', { F: '/ x' })],
  'base64-bytes': [yes('F|base64', 'ß', { F: Buffer.from('ß').toString('base64') }), yes('F|wide|base64', 'ab', { F: Buffer.from('ab', 'utf16le').toString('base64') }), yes('F|utf16|base64', 'a', { F: '//5hAA==' }), yes('F|utf16be|base64', 'a', { F: 'AGE=' })],
  'base64-without-case': [yes('F|base64', 'cmd', { F: 'y21K' }), no('F|base64|cased', 'cmd', { F: 'y21K' })],
  'base64-no-wildcards': [refused('F|base64', 'a*', 'detect.bad_value'), yes('F|base64', 'a\\*', { F: Buffer.from('a*').toString('base64') })],
  'base64offset-certain-part': [yes('F|base64offset|contains', 'foobar', { F: Buffer.from('xfoobary').toString('base64') }), yes('F|base64offset|contains', 'a', { F: 'xxYQ==' })],
  'bytes-as-characters': [yes('F|wide|contains', 'ab', { F: 'xa\0b\0' })],
  'regex-is-re2': [yes('F|re', 'b', { F: 'abc' }), no('F|re', 'B', { F: 'abc' }), yes('F|re', '^46', { F: 4624 }), refused('F|re', '(?=a)b', 'detect.bad_value'), refused('F|re', '(a)\\1', 'detect.bad_value')],
  'regex-lines': [no('F|re', 'a$', { F: 'a\n' }), no('F|re', 'a.b', { F: 'a\nb' }), yes('F|re', 'a.b', { F: 'a\rb' }), yes('F|re|m', '^b$', { F: 'a\nb\nc' }), no('F|re|m', '^b', { F: 'a\rb' }), yes('F|re|s', 'a.b', { F: 'a\nb' })],
  'regex-classes': [no('F|re', '\\d', { F: '٣' }), no('F|re', '\\w', { F: 'ß' }), no('F|re', '\\s', { F: '\u00a0' }), yes('F|re|i', 'k', { F: '\u212a' })],
  'cidr-mapped': [yes('F|cidr', '10.0.0.0/8', { F: '::ffff:10.1.1.1' }), no('F|cidr', '10.0.0.0/8', { F: '::10.1.1.1' })],
  'cidr-addresses': [yes('F|cidr', '10.0.0.1', { F: '10.0.0.1' }), no('F|cidr', '10.0.0.0/8', { F: '10.0.0.01' }), yes('F|cidr', 'fe80::/10', { F: 'fe80::1%eth0' }), no('F|cidr', '0.0.0.0/0', { F: 'n/a' }), no('F|cidr', '0.0.0.0/0', { F: '::1' }), refused('F|cidr', '10.0.0.0/33', 'detect.bad_value')],
  'cidr-host-bits': [yes('F|cidr', '10.1.2.3/8', { F: '10.9.9.9' })],
  'numbers-compared': [yes('F|lt', 5, { F: '4' }), yes('F|gt', 5, { F: '0x10' }), no('F|gte', 0, { F: '' }), no('F|gte', 0, { F: true }), no('F|lt', 5, { F: 'x' }), yes('F|gte', '5', { F: 5 }), yes('F|gt', 5, { F: [1, 9] }), refused('F|lt', 'x', 'detect.bad_value')],
  'time-parts-in-utc': [yes('F|hour', 1, { F: '2026-01-02T03:04:05+02:00' }), yes('F|hour', 3, { F: '2026-01-02 03:04:05' }), no('F|hour|gte', 0, { F: 'x' })],
  'time-of-numbers': [yes('F|minute', 4, { F: 1_767_323_045 }), yes('F|minute', 4, { F: 1_767_323_045_000 }), yes('F|year', 2026, { F: '1767323045' })],
  'week-of-the-year': [yes('F|week', 1, { F: '2026-01-07T23:59:59Z' }), yes('F|week', 2, { F: '2026-01-08T00:00:00Z' }), yes('F|week', 53, { F: '2026-12-31T00:00:00Z' })],
  'fieldref-any-pair': [yes('F|fieldref', 'G', { F: 'A', G: 'a' }), yes('F|fieldref', 'G', { F: ['x', 1], G: ['y', '1'] }), no('F|fieldref', 'G', { F: 'a' }), no('F|fieldref|cased', 'G', { F: 'A', G: 'a' }), yes('F|fieldref|neq', 'G', { F: 'a' })],
  'fieldref-literal': [no('F|fieldref', 'G', { F: 'abc', G: 'a*' }), yes('F|fieldref|startswith', 'G', { F: 'a*c', G: 'A*' }), yes('F|fieldref|endswith', 'G', { F: 'abc', G: 'bc' }), yes('F|fieldref|contains', 'G', { F: 'abc', G: 'b' })],
  'placeholders-given': [yes('F|expand', '%known%', { F: 'srv1' }), yes('F|expand', 'x%known%', { F: 'xSRV-' }), no('F|expand', '%known%', { F: 'x' })],
  'percent-escaped': [yes('F|expand', '100\\%', { F: '100%' }), yes('F|expand', '\\%plain%known%', { F: '%plainsrv' }), yes('F|expand', '\\\\%known%', { F: '\\srv' }), yes('F', '%known%', { F: '%known%' })],
  'unknown-modifier': [refused('F|begins', 'a', 'detect.bad_modifier'), refused('F|Contains', 'a', 'detect.bad_modifier')],
  'modifiers-that-contradict': [refused('F|contains|endswith', 'a', 'detect.bad_modifier'), refused('F|cidr|contains', '10.0.0.0/8', 'detect.bad_modifier'), refused('F|i', 'a', 'detect.bad_modifier'), refused('F|lt|gt', 1, 'detect.bad_modifier')],
  'empty-lists-and-maps': [refused('F', [], 'detect.bad_value'), { detection: { s: {}, condition: 's' }, refused: 'detect.bad_rule' }, { detection: { s: [], condition: 's' }, refused: 'detect.bad_rule' }],
  'values-are-scalars': [refused('F', { a: 1 }, 'detect.bad_value'), refused('F', [['a']], 'detect.bad_value')],
  precedence: [when('a2 and b or a1', true), when('not a2 and a2', false), when('not (a1 and b)', false), when('not not a1', true)],
  'condition-words': [when('a1 AND Not a2', true), when('ALL of b', true), wrong('A1')],
  quantifiers: [when('1 of a*', true), when('any of a*', true), when('all of a*', false), when('2 of them', true), when('3 of them', false), when('1 of *2', false)],
  'them-without-hidden': [when('all of them', false), { detection: { a: { A: 1 }, _c: { A: 9 }, condition: 'all of them' }, event: { A: 1 }, matches: true }, when('1 of _c*', true)],
  'quantifier-over-nothing': [wrong('1 of x*'), wrong('3 of a*'), wrong('0 of a*')],
  'several-conditions': [when(['a2', 'b'], true), when(['a2', 'not b'], false)],
  'lists-of-maps': [{ detection: { s: [{ A: 9 }, { B: 2 }], condition: 's' }, event: { A: 1, B: 2 }, matches: true }],
  'mixed-lists': [{ detection: { s: ['needle', { A: 1 }], condition: 's' }, event: { A: 1 }, matches: true }, { detection: { s: ['needle', { A: 9 }], condition: 's' }, event: { A: 1, x: 'needle' }, matches: true }],
};
