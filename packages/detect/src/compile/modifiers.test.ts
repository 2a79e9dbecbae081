/** What each modifier and kind of value matches, as a table. */
import { describe, expect, it } from 'vitest';
import { logSource } from '../../test/test-sources.ts';
import { parseRules } from '../parse/parse-rules.ts';
import { compileDetection } from './compile-detection.ts';
import { EventView } from './event-view.ts';

function matches(key: string, value: unknown, event: object, source = logSource()): boolean {
  const { rules, refused } = parseRules([
    {
      path: 'r.yml',
      text: JSON.stringify({ title: 't', logsource: { product: 'test' }, detection: { s: { [key]: value }, condition: 's' } }),
    },
  ]);
  const rule = rules[0];
  if (rule?.kind !== 'detection') throw new Error(refused[0]?.error.message);
  const view = new EventView(source);
  view.show(event as Readonly<Record<string, unknown>>);
  return compileDetection(rule, view).test();
}

const utf16 = (text: string): string => Buffer.from(text, 'utf16le').toString('base64');

describe('modifiers', () => {
  it.each<[string, unknown, object, boolean]>([
    ['f', 'Cmd.EXE', { f: 'cmd.exe' }, true],
    ['f', 'cmd', { f: 'cmd.exe' }, false],
    ['f', 'c?d.*', { f: 'cmd.exe' }, true],
    ['f', 'c?md', { f: 'cmd' }, false],
    ['f', '?', { f: '😀' }, true],
    ['f', 'a\\*b', { f: 'a*b' }, true],
    ['f', 'a\\*b', { f: 'axb' }, false],
    ['f', 'C:\\Windows\\*', { f: 'c:\\windows*' }, true],
    ['f', 'a\\\\*b', { f: 'a\\xxb' }, true],
    ['f', 'a*b*c', { f: 'a--b--c' }, true],
    ['f', 'ab*ba', { f: 'aba' }, false],
    ['f', '', { f: '' }, true],
    ['f', '', {}, false],
    ['f', null, {}, true],
    ['f', null, { f: null }, true],
    ['f', null, { f: '' }, false],
    ['f', 4688, { f: '4688' }, true],
    ['f', '4688', { f: 4688 }, true],
    ['f', true, { f: 'True' }, true],
    ['f', ['a', 'b'], { f: ['x', 'B'] }, true],
    ['f|contains', 'wind', { f: 'C:\\WINDOWS' }, true],
    ['f|startswith', 'c:', { f: 'C:\\WINDOWS' }, true],
    ['f|endswith', '\\cmd.exe', { f: 'C:\\CMD.EXE' }, true],
    ['f|endswith', '\\cmd.exe', { f: 'cmd.exe' }, false],
    ['f|contains|all', ['a', 'b'], { f: 'xbxa' }, true],
    ['f|contains|all', ['a', 'b'], { f: 'xbx' }, false],
    ['f|cased', 'Cmd', { f: 'cmd' }, false],
    ['f|contains|cased', 'Cm', { f: 'xCmd' }, true],
    ['f|neq', 'a', { f: 'b' }, true],
    ['f|neq', 'a', { f: 'A' }, false],
    ['f|neq', 'a', {}, true],
    ['f|exists', true, { f: null }, true],
    ['f|exists', false, { f: 1 }, false],
    ['f|exists', false, {}, true],
    ['f|base64', 'cmd', { f: 'Y21k' }, true],
    ['f|base64offset|contains', 'foobar', { f: Buffer.from('xfoobary').toString('base64') }, true],
    ['f|base64offset|contains', 'foobar', { f: Buffer.from('xxfoobary').toString('base64') }, true],
    ['f|base64offset|contains', 'foobar', { f: Buffer.from('xxfoxbary').toString('base64') }, false],
    ['f|wide|base64offset|contains', 'ping', { f: utf16('run ping now') }, true],
    ['f|utf16le|base64', 'ab', { f: utf16('ab') }, true],
    ['f|utf16|base64', 'ab', { f: Buffer.from([0xff, 0xfe, 97, 0, 98, 0]).toString('base64') }, true],
    ['f|utf16be|base64', 'ab', { f: Buffer.from([0, 97, 0, 98]).toString('base64') }, true],
    ['f|windash|contains', ' -enc', { f: 'x /enc' }, true],
    ['f|windash|contains', ' /enc', { f: 'x \u2013enc' }, true],
    ['f|windash|contains', 'a-b', { f: 'a/b' }, false],
    ['f|re', '^a.c$', { f: 'abc' }, true],
    ['f|re', 'ABC', { f: 'abc' }, false],
    ['f|re|i', 'ABC', { f: 'abc' }, true],
    ['f|re|m', '^b$', { f: 'a\nb\nc' }, true],
    ['f|re', 'a.b', { f: 'a\nb' }, false],
    ['f|re|s', 'a.b', { f: 'a\nb' }, true],
    ['f|cidr', '10.0.0.0/8', { f: '10.200.3.4' }, true],
    ['f|cidr', '10.0.0.0/8', { f: '11.0.0.1' }, false],
    ['f|cidr', '10.0.0.0/8', { f: '::ffff:10.1.1.1' }, true],
    ['f|cidr', '2001:db8::/33', { f: '2001:db8:7fff::1' }, true],
    ['f|cidr', '2001:db8::/33', { f: '2001:db8:8000::1' }, false],
    ['f|cidr', ['192.168.0.0/16', 'fe80::/10'], { f: 'fe80::1%eth0' }, true],
    ['f|cidr', '10.0.0.0/8', { f: '10.0.0.01' }, false],
    ['f|lt', 5, { f: '4' }, true],
    ['f|lte', 5, { f: 5 }, true],
    ['f|gt', 5, { f: 5 }, false],
    ['f|gte', 5, { f: 5 }, true],
    ['f|gte', 5, { f: '' }, false],
    ['f|fieldref', 'g', { f: 'A', g: 'a' }, true],
    ['f|fieldref', 'g', { f: 'a' }, false],
    ['f|fieldref|startswith', 'g', { f: 'abc', g: 'AB' }, true],
    ['f|fieldref|endswith', 'g', { f: 'abc', g: 'bc' }, true],
    ['f|fieldref|contains', 'g', { f: 'abc', g: 'b' }, true],
    ['f|fieldref|neq', 'g', { f: 'a', g: 'b' }, true],
    ['f|hour', 3, { f: '2026-01-02 03:04:05' }, true],
    ['f|hour|gte', 22, { f: '2026-01-02T21:59:59+00:00' }, false],
    ['f|minute', 4, { f: 1_767_323_045 }, true],
    ['f|day', 2, { f: '2026-01-02T03:04:05Z' }, true],
    ['f|week', 1, { f: '2026-01-02T03:04:05Z' }, true],
    ['f|month', 1, { f: '2026-01-02T03:04:05Z' }, true],
    ['f|year|gt', 2025, { f: '2026-01-02T03:04:05Z' }, true],
    ['f|expand', '100\\%', { f: '100%' }, true],
    ['f|expand', '%name%', { f: '%name%' }, false],
    ['', 'needle', { a: { b: ['x', 'a NEEDLE here'] } }, true],
    ['|all', ['one', 'two'], { a: 'one', b: 'two' }, true],
    ['|all', ['one', 'two'], { a: 'one', two: 'x' }, false],
  ])('%s: %j over %j is %s', (key, value, event, wanted) => {
    expect(matches(key, value, event)).toBe(wanted);
  });
});

describe('fields', () => {
  it.each<[string, object, boolean]>([
    ['a.b', { a: { b: 'x' } }, true],
    ['a.b', { 'a.b': 'x' }, true],
    ['a.b', { 'a.b': 'y', a: { b: 'x' } }, false],
    ['a.b.c', { a: { 'b.c': 'x' } }, true],
    ['a.b', { a: [{ b: 'y' }, { b: 'x' }] }, true],
    ['a.b', { a: [[{ b: ['y', ['x']] }]] }, true],
    ['constructor', {}, false],
    ['constructor.name', {}, false],
    ['__proto__.b', JSON.parse('{"__proto__":{"b":"x"}}') as object, true],
    ['length', { length: 'x' }, true],
    ['plain', { data: { plain: 'x' } }, true],
    ['plain', { plain: 'y', data: { plain: 'x' } }, false],
    ['other', { second: { name: 'x' } }, true],
    ['other', { other: 'x' }, false],
  ])('%s in %j is %s', (field, event, wanted) => {
    const source = logSource({ prefixes: ['data.'], aliases: { other: ['first', 'second.name'] } });
    expect(matches(field, 'x', event, source)).toBe(wanted);
  });

  it('reads lists nested 100,000 deep', () => {
    let deep: unknown = 'x';
    for (let i = 0; i < 100_000; i++) deep = [deep];
    expect(matches('f', 'x', { f: deep })).toBe(true);
    expect(matches('', 'x', { f: deep })).toBe(true);
  });
});
