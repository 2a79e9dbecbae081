import { expect, test } from 'vitest';
import type { LogSource } from './log-source.ts';
import { LOG_SOURCE_WORD, mappingOfName, namedLogSource, nameMapping } from './named-log-source.ts';

const json: LogSource = { mapping: 'json', services: [], categories: ['webserver'], aliases: { a: ['b'] }, prefixes: ['x.'], entity: [] };
const sshd: LogSource = { ...json, mapping: 'linux.sshd', product: 'linux', services: ['sshd', 'auth'], categories: [] };
const known = new Map([json, sshd].map((one) => [one.mapping, one]));

test.each([
  ['json', undefined, 'json', undefined, [], ['webserver']],
  ['json', {}, 'json', undefined, [], ['webserver']],
  ['json', { product: 'Acme', service: 'vpn' }, 'json#product=acme;service=vpn', 'acme', ['vpn'], []],
  ['json', { category: 'proxy' }, 'json#category=proxy', undefined, [], ['webserver', 'proxy']],
  ['linux.sshd', { service: 'dropbear' }, 'linux.sshd#service=dropbear', 'linux', ['dropbear'], []],
  [
    'linux.sshd',
    { product: 'linux', category: 'application' },
    'linux.sshd#product=linux;category=application',
    'linux',
    ['sshd', 'auth'],
    ['application'],
  ],
] as const)('%s named %j is %s', (mapping, name, named, product, services, categories) => {
  expect(nameMapping(mapping, name)).toBe(named);
  expect(mappingOfName(named)).toBe(mapping);
  expect(namedLogSource(known, named)).toEqual({ ...known.get(mapping), mapping: named, product, services, categories });
});

test('a name of a mapping that is not there gives nothing', () => {
  expect(namedLogSource(known, 'gone#product=x')).toBeUndefined();
  expect(namedLogSource(known, 'gone')).toBeUndefined();
});

test.each(['a', 'process_creation', 'google_workspace.admin', 'gcp audit'])('%s is a word', (word) => {
  expect(LOG_SOURCE_WORD.test(word)).toBe(true);
});

test.each(['', ' a', 'a;b', 'a=b', 'a#b', 'x'.repeat(65)])('%j is none', (word) => {
  expect(LOG_SOURCE_WORD.test(word)).toBe(false);
});
