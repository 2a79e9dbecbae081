/** Settings as a component declares them: what is read, what is refused and how it is said, what comes out for people and editors. */
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  bytes,
  checkSettings,
  choice,
  count,
  duration,
  explainSetting,
  flag,
  list,
  named,
  port,
  printSettings,
  readSettings,
  Secret,
  type SettingPath,
  type SettingsOf,
  secret,
  settings,
  settingsJsonSchema,
  settingsReference,
  text,
} from '../setting.ts';
import { isTocsinError } from '../tocsin-error.ts';
import { nearestName } from './nearest-name.ts';
import { formatBytes, formatDuration, parseBytes, parseDuration } from './units.ts';

const http = settings({
  about: 'The HTTP door.',
  fields: {
    port: port({ about: 'Port to listen on.', default: 8440 }),
    bind: text({ about: 'Address.', default: '127.0.0.1', was: ['host'] }),
    maxBodyBytes: bytes({ about: 'Largest body.', default: '16MiB', min: 1_024 }),
    timeoutMs: duration({ about: 'Longest request.', default: '10s', min: 100 }),
    ackWaitMs: duration({ about: 'Longest wait.', default: '30s' }),
  },
  rules: [
    {
      name: 'timeout below ack wait',
      breach: (v) => (v.timeoutMs < v.ackWaitMs ? undefined : `${v.timeoutMs} ms is not below ${v.ackWaitMs} ms`),
    },
  ],
});
const source = settings({
  about: 'A source.',
  fields: { token: secret({ about: 'Credential.' }), lane: choice(['live', 'bulk'], { about: 'Lane.', default: 'live' }) },
});
const all = settings({
  about: 'All.',
  fields: {
    http,
    workers: count({ about: 'Threads.', min: 1, max: 64, optional: true }),
    strict: flag({ about: 'Refuse the set.', default: false }),
    rules: list(text({ about: 'Folder.' }), { about: 'Folders of rules.', default: ['rules'], maxItems: 3 }),
    sources: named(source, { about: 'Sources by name.', maxEntries: 2 }),
  },
});

const lines: Record<string, number> = { 'http.prot': 3, 'http.timeoutMs': 4, workers: 9 };
const options = { file: 'tocsin.yml', lineOf: (path: SettingPath) => lines[path.join('.')] };
const problemsOf = (given: unknown): [string, string][] =>
  checkSettings(all, given, options).map((problem) => [problem.code, problem.message]);

describe('readSettings', () => {
  it('fills in defaults and reads units', () => {
    const value = readSettings(all, { http: { maxBodyBytes: '256KiB', timeoutMs: '1.5s' }, sources: { fw: { token: 'abc' } } }, options);
    expect(value.http).toEqual({ port: 8440, bind: '127.0.0.1', maxBodyBytes: 262_144, timeoutMs: 1_500, ackWaitMs: 30_000 });
    expect(value.workers).toBeUndefined();
    expect(value.rules).toEqual(['rules']);
    expect(value.sources['fw']?.token.reveal()).toBe('abc');
    expect(Object.isFrozen(value.http) && Object.isFrozen(value) && Object.isFrozen(value.rules)).toBe(true);
  });

  it('takes an empty file as all defaults', () => {
    expect(readSettings(all, null, options)).toEqual(readSettings(all, {}, options));
    expect(readSettings(all, { http: null }, options).http.port).toBe(8440);
  });

  it('has the type that the declaration says', () => {
    expectTypeOf<SettingsOf<typeof http>>().toEqualTypeOf<{
      readonly port: number;
      readonly bind: string;
      readonly maxBodyBytes: number;
      readonly timeoutMs: number;
      readonly ackWaitMs: number;
    }>();
    expectTypeOf<SettingsOf<typeof all>['workers']>().toEqualTypeOf<number | undefined>();
    expectTypeOf<SettingsOf<typeof all>['rules']>().toEqualTypeOf<readonly string[]>();
    expectTypeOf<SettingsOf<typeof source>['lane']>().toEqualTypeOf<'live' | 'bulk'>();
    expectTypeOf<SettingsOf<typeof source>['token']>().toEqualTypeOf<Secret>();
  });

  it.each([
    [{ http: { prot: 1 } }, 'config.unknown_key', 'tocsin.yml:3: there is no setting http.prot. Did you mean http.port?'],
    [{ zzzzzzzzzz: 1 }, 'config.unknown_key', 'tocsin.yml: there is no setting zzzzzzzzzz. Remove it.'],
    [
      { http: { timeoutMs: 10 } },
      'config.bad_value',
      'tocsin.yml:4: http.timeoutMs is 10. Give a duration such as 10s or 500ms, at least 100ms.',
    ],
    [
      { http: { timeoutMs: '99ms' } },
      'config.bad_value',
      'tocsin.yml:4: http.timeoutMs is "99ms". Give a duration such as 10s or 500ms, at least 100ms.',
    ],
    [{ workers: 65 }, 'config.bad_value', 'tocsin.yml:9: workers is 65. Give a whole number, 1 to 64.'],
    [{ workers: 1.5 }, 'config.bad_value', 'tocsin.yml:9: workers is 1.5. Give a whole number, 1 to 64.'],
    [{ http: [] }, 'config.bad_value', 'tocsin.yml: http is a list. Give settings, as keys with values.'],
    [{ rules: ['a', 7] }, 'config.bad_value', 'tocsin.yml: rules is a list. Give a list of at most 3, each text.'],
    [
      { sources: { a: {} } },
      'config.missing',
      'tocsin.yml: sources.a.token is not given and has no default. Give text or a reference such as env:NAME or file:PATH.',
    ],
    [
      { sources: { a: { token: 123456 } } },
      'config.bad_value',
      'tocsin.yml: sources.a.token is not what is wanted (not shown: it is a secret). Give text or a reference such as env:NAME or file:PATH.',
    ],
    [{ sources: { a: { token: 'x', lane: 'fast' } } }, 'config.bad_value', 'tocsin.yml: sources.a.lane is "fast". Give one of live, bulk.'],
    [
      { http: { host: 'a', bind: 'b' } },
      'config.given_twice',
      'tocsin.yml: http.bind is also given under its former name host. Remove host.',
    ],
    [
      { http: { timeoutMs: '40s' } },
      'config.rule_broken',
      'tocsin.yml: http breaks the rule timeout below ack wait: 40000 ms is not below 30000 ms.',
    ],
    [JSON.parse('{"http":{"__proto__":{"port":1}}}'), 'config.unknown_key', 'tocsin.yml: there is no setting http.__proto__. Remove it.'],
    ['text', 'config.bad_value', 'tocsin.yml: the file is "text". Give settings, as keys with values.'],
  ])('refuses %j as %s', (given, code, message) => {
    expect(problemsOf(given)).toEqual([[code, message]]);
  });

  it('reports every problem at once and never a secret', () => {
    const given = { http: { prot: 1, port: -1 }, sources: { a: { token: ['hunter2'] } } };
    let thrown: unknown;
    try {
      readSettings(all, given, options);
    } catch (error) {
      thrown = error;
    }
    expect(isTocsinError(thrown, 'config.invalid') && thrown.details.problems).toHaveLength(3);
    expect(String(thrown)).toContain('for 3 reasons');
    expect(inspect(thrown, { depth: 9 })).not.toContain('hunter2');
  });

  it('bounds the number of problems and of entries', () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`key${i}zzzzzzzz`, 1]));
    expect(checkSettings(all, many, options)).toHaveLength(50);
    const sources = { a: { token: 'x' }, b: { token: 'x' }, c: { token: 'x' } };
    expect(problemsOf({ sources })).toEqual([['config.bad_value', 'tocsin.yml: sources is 3 entries. Give at most 2.']]);
  });

  it('replaces environment references in text values only, and says what is not set', () => {
    const environment = (name: string): string | undefined => ({ ADDRESS: '10.0.0.1', PORT: '1' })[name];
    // The sigil is split so that the text is plainly data here, not a template.
    const reference = (name: string): string => `$${`{env:${name}}`}`;
    expect(readSettings(all, { http: { bind: reference('ADDRESS') } }, { ...options, environment }).http.bind).toBe('10.0.0.1');
    const codes = (given: unknown): string[] => checkSettings(all, given, { ...options, environment }).map(({ code }) => code);
    expect(codes({ http: { bind: reference('NOT_SET') } })).toEqual(['config.no_environment']);
    expect(codes({ http: { port: reference('PORT') } })).toEqual(['config.bad_value']);
  });

  it('reads former names with a notice', () => {
    const notices: string[] = [];
    const value = readSettings(all, { http: { host: '::1' } }, { ...options, onNotice: (notice) => notices.push(notice) });
    expect(value.http.bind).toBe('::1');
    expect(notices).toEqual(['tocsin.yml: http.host is now called http.bind; rename it.']);
  });

  it('throws nothing but config.invalid, whatever is given', () => {
    const anything = fc.anything({ withNullPrototype: true, withBigInt: true, withDate: true });
    fc.assert(
      fc.property(
        fc.oneof(
          anything,
          fc.record({
            http: fc.oneof(anything, fc.record({ port: anything, bind: anything, timeoutMs: anything })),
            rules: anything,
            sources: anything,
          }),
        ),
        (given) => {
          try {
            readSettings(all, given, options);
          } catch (error) {
            expect(isTocsinError(error, 'config.invalid')).toBe(true);
          }
        },
      ),
    );
  });
});

describe('Secret', () => {
  it('prints as [redacted] everywhere but where it is revealed', () => {
    const value = new Secret('hunter2');
    expect([String(value), JSON.stringify({ value }), inspect({ value }), String(Object.entries(value))].join()).not.toContain('hunter2');
    expect(JSON.stringify({ value })).toBe('{"value":"[redacted]"}');
    expect(value.reveal()).toBe('hunter2');
  });
});

describe('what people and editors see', () => {
  it('prints settings as they would be written, redacted, and reads them back', () => {
    const value = readSettings(all, { workers: 2, sources: { fw: { token: 'hunter2' } } }, options);
    const printed = printSettings(all, value);
    expect(printed).toEqual({
      http: { port: 8440, bind: '127.0.0.1', maxBodyBytes: '16MiB', timeoutMs: '10s', ackWaitMs: '30s' },
      workers: 2,
      strict: false,
      rules: ['rules'],
      sources: { fw: { token: '[redacted]', lane: 'live' } },
    });
    expect(readSettings(all, printed, options).http).toEqual(value.http);
  });

  it('explains a path, also below a name the user chose', () => {
    expect(explainSetting(all, 'http.maxBodyBytes')).toMatchObject({ kind: 'bytes', default: '16MiB', about: 'Largest body.' });
    expect(explainSetting(all, 'sources.firewall.lane')).toMatchObject({ path: 'sources.<name>.lane', default: 'live' });
    expect(() => explainSetting(all, 'http.maxBodyByte')).toThrow('Did you mean http.maxBodyBytes?');
  });

  it('makes a JSON Schema', () => {
    const schema = settingsJsonSchema(source) as Record<string, Record<string, unknown>>;
    expect(schema).toMatchObject({ type: 'object', additionalProperties: false, required: ['token'] });
    expect(schema['properties']?.['lane']).toEqual({ description: 'Lane.', enum: ['live', 'bulk'], default: 'live' });
    expect(schema['properties']?.['token']).toMatchObject({ type: 'string', writeOnly: true });
  });

  it('makes a reference page with a section per group', () => {
    const page = settingsReference(all);
    expect(page).toContain('| `workers` | a whole number, 1 to 64 | none | Threads. |');
    expect(page).toContain('## `http`\n\nThe HTTP door.\n\n| setting');
    expect(page).toContain('Rules: timeout below ack wait.');
    expect(page.match(/## `sources\.<name>`/g)).toHaveLength(1);
  });
});

describe('units', () => {
  it.each([
    ['10s', 10_000],
    ['500ms', 500],
    ['1.5 h', 5_400_000],
    ['7d', 604_800_000],
    ['0.5ms', undefined],
    ['10', undefined],
    ['-1s', undefined],
    ['1s\n', undefined],
    ['٣s', undefined],
    ['1e3s', undefined],
  ])('%j is %s ms', (given, want) => expect(parseDuration(given)).toBe(want));

  it.each([
    ['256KiB', 262_144],
    ['16MB', 16_000_000],
    ['1.5GiB', 1_610_612_736],
    ['0.5B', undefined],
    ['1kb', undefined],
    ['999999999999999TiB', undefined],
  ])('%j is %s bytes', (given, want) => expect(parseBytes(given)).toBe(want));

  it('writes what it reads back', () => {
    fc.assert(
      fc.property(fc.nat({ max: 999_999_999_999 }), (value) => {
        expect(parseDuration(formatDuration(value))).toBe(value);
        expect(parseBytes(formatBytes(value))).toBe(value);
      }),
    );
    expect([formatDuration(90_000), formatDuration(120_000), formatBytes(1_000), formatBytes(0)]).toEqual(['90s', '2m', '1000B', '0B']);
  });

  it('finds the nearest name', () => {
    expect(nearestName('maxbodybytes', ['port', 'maxBodyBytes'])).toBe('maxBodyBytes');
    expect(nearestName('x'.repeat(1_000_000), ['port'])).toBeUndefined();
  });
});
