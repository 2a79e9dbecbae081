/** Cases about subjects: wildcards against the oracle, and names that want to be more than names. */
import { strict as assert } from 'node:assert';
import { encodeToken } from '@tocsin/core';
import { type ContractCase, type ContractKit, numbers, textOf, textsOf } from '../contract-kit.ts';
import { oracleMatches } from '../oracle-match.ts';

/** Names that tenants and sources may have and that mean something to buses, files, shells or objects. */
const HOSTILE_NAMES = [
  '*',
  '>',
  '.',
  '..',
  'a.b',
  'a.>',
  '$JS.API.>',
  '$SYS',
  '_INBOX.x',
  ' ',
  'a b',
  '\t',
  'a\r\nPUB x 1\r\n',
  '\u0000',
  '=',
  '=2e',
  '__proto__',
  'constructor',
  'é',
  'e\u0301',
  '日本語',
  '😀',
  '\u202e',
  'A',
  'a',
  '-',
  '--',
  '/',
  '../../etc',
  '%2e',
  'x'.repeat(128),
];

function drawTokens(kit: ContractKit, tokens: readonly string[], most: number): string[] {
  return Array.from({ length: 1 + kit.draw(most) }, () => tokens[kit.draw(tokens.length)] ?? '');
}

/** Subjects, filters, hostile names. */
export const subjectCases: readonly ContractCase[] = [
  {
    name: 'filters take what the oracle says, reading and subscribed',
    async run(kit) {
      const ground = await kit.ground();
      const { bus, subject } = ground;
      const subjects = Array.from({ length: 80 }, () => drawTokens(kit, ['a', 'b', 'c', 'ab', '=2a'], 4));
      await bus.commit(subjects.map((tokens) => kit.message(subject(tokens.join('.')), tokens.join('.'))));
      for (const round of numbers(30)) {
        const filter = drawTokens(kit, ['a', 'b', 'c', 'ab', '*', '*'], 4);
        if (kit.draw(3) === 0) filter.push('>');
        const expected = subjects.filter((tokens) => oracleMatches(filter, tokens)).map((tokens) => tokens.join('.'));
        kit.note(`filter ${filter.join('.')} takes ${expected.length}`);
        const text = subject(filter.join('.'));
        assert.deepEqual(await kit.texts(bus, text), expected, `read of ${text}`);
        if (Number(round) % 6 !== 0) continue;
        await using subscription = await kit.join(ground, `g${round}`, { filter: text });
        assert.deepEqual(textsOf(await kit.take(subscription, expected.length)), expected, `subscription to ${text}`);
      }
    },
  },
  {
    name: 'hostile names stay names: each tenant reads its own and nothing else',
    async run(kit) {
      const { bus, all, subject } = await kit.ground();
      await bus.commit(HOSTILE_NAMES.map((name) => kit.message(subject(`0.${encodeToken(name)}.${encodeToken(name)}`), name)));
      for (const name of HOSTILE_NAMES) {
        const own = subject(`0.${encodeToken(name)}.${encodeToken(name)}`);
        assert.deepEqual(
          (await kit.readAll(bus, subject(`*.${encodeToken(name)}.>`))).map((each) => each.subject),
          [own],
          JSON.stringify(name),
        );
        const last = await bus.last(own);
        assert.equal(last && new TextDecoder().decode(last.body), name);
      }
      assert.equal((await kit.readAll(bus, all)).length, HOSTILE_NAMES.length);
    },
  },
  {
    name: 'malformed subjects and filters are refused',
    async run(kit) {
      const ground = await kit.ground();
      const { bus, all, subject } = ground;
      const neither = [
        '',
        '.',
        subject(''),
        subject('a..b'),
        `.${subject('a')}`,
        subject('a b'),
        subject('é'),
        subject('a\r\n'),
        '$JS.API.STREAM.LIST',
        '_INBOX.a',
        subject('x'.repeat(1100)),
      ];
      const filtersOnly = [subject('*'), all, subject('a*'), subject('>a')];
      for (const text of [...neither, ...filtersOnly]) {
        await kit.refused(bus.commit([kit.message(text, 'x')]), 'bus.bad_subject');
        await kit.refused(bus.last(text), 'bus.bad_subject');
      }
      for (const text of [...neither, subject('>.a'), subject('a*'), subject('>a')]) {
        await kit.refused(kit.readAll(bus, text), 'bus.bad_subject');
        await kit.refused(kit.join(ground, 'g', { filter: text }), 'bus.bad_subject');
        await kit.refused(bus.info(text), 'bus.bad_subject');
      }
      assert.deepEqual(await kit.texts(bus, all), []);
    },
  },
  {
    name: 'a filter of two streams is refused, for they share no order',
    async run(kit) {
      const bus = await kit.open();
      const spec = { maxAgeMs: 0, maxBytes: -1, maxPerSubject: 0, dedupWindowMs: 1_000 };
      await bus.ensure({
        streams: [
          { ...spec, name: 'BOTH_1', subjects: ['both.1.>'] },
          { ...spec, name: 'BOTH_2', subjects: ['both.2.>', 'both.3.*'] },
        ],
        buckets: [],
      });
      await bus.commit([kit.message('both.2.a', 'a'), kit.message('both.3.b', 'b')]);
      await kit.refused(kit.readAll(bus, 'both.>'), 'bus.bad_request');
      await kit.refused(bus.subscribe('both.*.a', { group: 'g', start: 'first' }), 'bus.bad_request');
      assert.deepEqual((await kit.readAll(bus, 'both.2.*')).map(textOf), ['a']);
      await kit.refused(bus.commit([kit.message('both.3.a.b', 'x')]), 'bus.no_stream');
    },
  },
];
