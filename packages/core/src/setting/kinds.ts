/** The kinds of setting. Each takes what the reference says and its default in the form the user writes. */
import { Secret } from '../secret.ts';
import type { JsonSchema, Setting, SettingDoc } from './setting.ts';
import { BYTES_PATTERN, DURATION_PATTERN, formatBytes, formatDuration, parseBytes, parseDuration } from './units.ts';

/** What every kind takes; `D` is the given form of the default. Neither default nor `optional`: it must be given. */
export type SettingOptions<D> = SettingDoc & { readonly default?: D | undefined; readonly optional?: boolean | undefined };

/** The value's type: undefined is possible only where the setting is optional. */
type Value<T, O> = O extends { readonly optional: true } ? T | undefined : T;

/** A size in bytes: `256KiB`, `16MB`, or a whole number. Range in bytes. */
export function bytes<const O extends SettingOptions<string | number> & Range>(options: O): Setting<Value<number, O>> {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = options;
  return make<number, O>(options, {
    kind: 'bytes',
    schema: { type: ['string', 'integer'], pattern: BYTES_PATTERN, minimum: min },
    wants: `a size such as 256KiB${rangeText(options, formatBytes)}`,
    read: (given) => within(typeof given === 'string' ? parseBytes(given) : (given as number), min, max),
    print: formatBytes,
  });
}

/** A duration in milliseconds: `500ms`, `10s`, `5m`, `1h`, `7d`. A bare number is refused: nobody knows its unit. Range in milliseconds. */
export function duration<const O extends SettingOptions<string> & Range>(options: O): Setting<Value<number, O>> {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = options;
  return make<number, O>(options, {
    kind: 'duration',
    schema: { type: 'string', pattern: DURATION_PATTERN },
    wants: `a duration such as 10s or 500ms${rangeText(options, formatDuration)}`,
    read: (given) => within(parseDuration(given as string), min, max),
    print: formatDuration,
  });
}

/** A whole number. */
export function count<const O extends SettingOptions<number> & Range>(options: O): Setting<Value<number, O>> {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = options;
  return make<number, O>(options, {
    kind: 'count',
    schema: { type: 'integer', minimum: min, maximum: max },
    wants: `a whole number${rangeText({ min, max: options.max }, String)}`,
    read: (given) => given as number,
    print: (value) => value,
  });
}

/** A TCP or UDP port, 1 … 65535; 0 lets the system choose. */
export function port<const O extends SettingOptions<number>>(options: O): Setting<Value<number, O>> {
  return make<number, O>(options, {
    kind: 'port',
    schema: { type: 'integer', minimum: 0, maximum: 65_535 },
    wants: 'a port, 0 to 65535 (0: the system chooses)',
    read: (given) => given as number,
    print: (value) => value,
  });
}

/** `true` or `false`. */
export function flag<const O extends SettingOptions<boolean>>(options: O): Setting<Value<boolean, O>> {
  return make<boolean, O>(options, {
    kind: 'flag',
    schema: { type: 'boolean' },
    wants: 'true or false',
    read: (given) => given as boolean,
    print: (value) => value,
  });
}

/** Text, 1 to 4096 characters unless said otherwise; `pattern` is a regular expression with `wants` in words. */
export function text<const O extends SettingOptions<string> & TextRules>(options: O): Setting<Value<string, O>> {
  const { pattern, maxLength = 4_096, wants = 'text' } = options;
  return make<string, O>(options, {
    kind: 'text',
    schema: { type: 'string', minLength: 1, maxLength, ...(pattern === undefined ? {} : { pattern }) },
    wants,
    read: (given) => given as string,
    print: (value) => value,
  });
}

/** One of a few words. */
export function choice<const W extends string, const O extends SettingOptions<NoInfer<W>>>(
  words: readonly W[],
  options: O,
): Setting<Value<W, O>> {
  return make<W, O>(options, {
    kind: 'choice',
    schema: { enum: words },
    wants: `one of ${words.join(', ')}`,
    read: (given) => given as W,
    print: (value) => value,
  });
}

/** A secret, or a reference to one (`env:NAME`, `file:PATH`) for the secret provider. It has no default and is never shown. */
export function secret<const O extends Omit<SettingOptions<never>, 'default'>>(options: O): Setting<Value<Secret, O>> {
  return make<Secret, O>(options, {
    kind: 'secret',
    schema: { type: 'string', minLength: 1, maxLength: 65_536 },
    wants: 'text or a reference such as env:NAME or file:PATH',
    read: (given) => new Secret(given as string),
    print: String,
    hidden: true,
  });
}

/** Several values of one kind, at most `maxItems` (default 1000). */
export function list<T, const O extends SettingOptions<readonly unknown[]> & { readonly maxItems?: number }>(
  item: Setting<T>,
  options: O,
): Setting<Value<readonly T[], O>> {
  const { maxItems = 1_000 } = options;
  return make<readonly T[], O>(options, {
    kind: `list of ${item.kind}`,
    schema: { type: 'array', items: item.schema, maxItems },
    wants: `a list of at most ${maxItems}, each ${item.wants}`,
    read: (given) => {
      const values = (given as unknown[]).map((each) => item.read(each));
      return values.every((value) => value !== undefined) ? values : undefined;
    },
    print: (values) => values.map((value) => item.print(value)),
    hidden: item.hidden,
  });
}

/** Least and greatest value, both allowed. */
interface Range {
  readonly min?: number | undefined;
  readonly max?: number | undefined;
}

/** Limits of a text. */
interface TextRules {
  readonly pattern?: string | undefined;
  readonly maxLength?: number | undefined;
  /** What to give, for messages, where a pattern is set. */
  readonly wants?: string | undefined;
}

/** What tells one kind from another. */
interface Kind<T> {
  readonly kind: string;
  readonly schema: JsonSchema;
  readonly wants: string;
  readonly hidden?: boolean;
  read(given: unknown): T | undefined;
  print(value: T): unknown;
}

function make<T, O extends SettingOptions<unknown>>(options: O, kind: Kind<T>): Setting<Value<T, O>> {
  const { about, example, since, deprecated, was } = options;
  const setting: Setting<T> = {
    node: 'setting',
    hidden: false,
    ...kind,
    doc: { about, example, since, deprecated, was },
    default: options.default,
    optional: options.optional ?? false,
  };
  // A value of T is a Value<T, O>: undefined is added where the setting is optional and not given, by readSettings.
  return setting as Setting<Value<T, O>>;
}

function within(value: number | undefined, min: number, max: number): number | undefined {
  return value !== undefined && value >= min && value <= max ? value : undefined;
}

function rangeText({ min, max }: Range, print: (value: number) => string): string {
  if (min !== undefined && max !== undefined) return `, ${print(min)} to ${print(max)}`;
  if (min !== undefined) return `, at least ${print(min)}`;
  return max === undefined ? '' : `, at most ${print(max)}`;
}
