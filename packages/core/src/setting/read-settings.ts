/**
 * From a parsed YAML or JSON value to settings: defaults filled in, units read, everything wrong collected with path and line. Reading files,
 * parsing text and finding lines is the caller's job.
 */
import { TocsinError } from '../tocsin-error.ts';
import { nearestName } from './nearest-name.ts';
import { fitsSchema } from './schema-check.ts';
import type { NamedSettings, Setting, SettingGroup, SettingNode, SettingRule, SettingsOf } from './setting.ts';

/** Keys from the root of the file to a value. */
export type SettingPath = readonly string[];

/** Where the value comes from. */
export interface ReadSettingsOptions {
  /** Name of the file, for messages. */
  readonly file: string;
  /** Line of a key, from 1; undefined where it is not known. */
  readonly lineOf?: ((path: SettingPath) => number | undefined) | undefined;
  /** Value of an environment variable, for `${env:NAME}` within text values. Without it no such reference is replaced. */
  readonly environment?: ((name: string) => string | undefined) | undefined;
  /** Told, in words, about former names and deprecated settings that were used. */
  readonly onNotice?: ((notice: string) => void) | undefined;
}

/** Most problems listed of one file. */
const MAX_PROBLEMS = 50;
const REFERENCE = /\$\{env:([A-Za-z_][A-Za-z0-9_]{0,127})\}/g;

/** Settings of a group from `given`, frozen. Undefined or null stand for an empty file. @throws config.invalid, its `cause` an AggregateError of every problem */
export function readSettings<G extends SettingGroup>(group: G, given: unknown, options: ReadSettingsOptions): SettingsOf<G> {
  const reader = new Reader(options);
  const value = reader.group(group, given ?? {}, []);
  if (reader.problems.length === 0) return value as SettingsOf<G>;
  const problems = reader.problems.map((problem) => problem.message);
  throw new TocsinError('config.invalid', { file: options.file, problems }, { cause: new AggregateError(reader.problems) });
}

/** Everything wrong with `given`, in the order of the declaration; empty where it is right. */
export function checkSettings(group: SettingGroup, given: unknown, options: ReadSettingsOptions): readonly TocsinError[] {
  const reader = new Reader(options);
  reader.group(group, given ?? {}, []);
  return reader.problems;
}

/** One walk over a given value. */
class Reader {
  readonly problems: TocsinError[] = [];
  readonly #options: ReadSettingsOptions;

  constructor(options: ReadSettingsOptions) {
    this.#options = options;
  }

  group(group: SettingGroup, given: unknown, path: SettingPath): unknown {
    const before = this.problems.length;
    const own = this.#ownEntries(given, path);
    if (own === undefined) return undefined;
    const values = Object.entries(group.fields).map(([name, node]) => [name, this.#field(node, own, [...path, name])] as const);
    for (const [name] of own) this.#refuseUnknown(group, name, path);
    const value = Object.freeze(Object.fromEntries(values));
    if (this.problems.length === before) for (const rule of group.rules) this.#rule(rule, value, path);
    return value;
  }

  /** Reads a field out of `own`, leaving there what no field takes. */
  #field(node: SettingNode, own: Map<string, unknown>, path: SettingPath): unknown {
    const given = take(own, path.at(-1) ?? '');
    if (node.node === 'group') return this.group(node, given ?? {}, path);
    if (node.node === 'named') return this.#named(node, given ?? {}, path);
    const former = this.#formerName(node, own, path);
    if (former === undefined) return this.#setting(node, given, path);
    if (given !== undefined) {
      this.#complain(new TocsinError('config.given_twice', { ...this.#place(former.path), path: path.join('.'), was: former.was }));
    }
    return this.#setting(node, former.given, former.path);
  }

  /** A value given under a former name of the setting, if any. */
  #formerName(
    setting: Setting,
    own: Map<string, unknown>,
    path: SettingPath,
  ): { given: unknown; path: SettingPath; was: string } | undefined {
    const was = setting.doc.was?.find((name) => own.has(name));
    if (was === undefined) return undefined;
    const at = [...path.slice(0, -1), was];
    this.#options.onNotice?.(`${this.#place(at).at}: ${at.join('.')} is now called ${path.join('.')}; rename it.`);
    return { given: take(own, was), path: at, was };
  }

  #named(node: NamedSettings, given: unknown, path: SettingPath): unknown {
    const own = this.#ownEntries(given, path);
    if (own === undefined) return undefined;
    if (own.size > node.maxEntries) this.#badValue(path, `${own.size} entries`, `at most ${node.maxEntries}`);
    const entries = [...own].slice(0, node.maxEntries);
    return Object.freeze(Object.fromEntries(entries.map(([name, each]) => [name, this.group(node.each, each ?? {}, [...path, name])])));
  }

  #setting(setting: Setting, given: unknown, path: SettingPath): unknown {
    if (given === undefined && setting.default === undefined) {
      if (!setting.optional) this.#complain(new TocsinError('config.missing', { ...this.#place(path), wants: setting.wants }));
      return undefined;
    }
    if (given !== undefined && setting.doc.deprecated !== undefined) {
      this.#options.onNotice?.(`${this.#place(path).at}: ${path.join('.')} is deprecated: ${setting.doc.deprecated}`);
    }
    const known = this.problems.length;
    const form = given === undefined ? setting.default : this.#withEnvironment(given, path);
    if (this.problems.length > known) return undefined;
    const value = fitsSchema(setting.schema, form) ? setting.read(form) : undefined;
    if (value === undefined) this.#badValue(path, foundText(form, setting.hidden), setting.wants);
    return Array.isArray(value) ? Object.freeze(value) : value;
  }

  /** Text with each `${env:NAME}` replaced, also within lists. Replaced in parsed values only, so that no value can become structure. */
  #withEnvironment(given: unknown, path: SettingPath): unknown {
    const { environment } = this.#options;
    if (environment === undefined) return given;
    if (Array.isArray(given)) return given.map((each) => (typeof each === 'string' ? this.#withEnvironment(each, path) : each));
    if (typeof given !== 'string') return given;
    return given.replace(REFERENCE, (whole, name: string) => {
      const value = environment(name);
      if (value === undefined) this.#complain(new TocsinError('config.no_environment', { ...this.#place(path), name }));
      return value ?? whole;
    });
  }

  /** Own entries of an object, null read as not given; undefined, with a problem, where it is no object. */
  #ownEntries(given: unknown, path: SettingPath): Map<string, unknown> | undefined {
    if (typeof given === 'object' && given !== null && !Array.isArray(given)) {
      return new Map(Object.entries(given).map(([name, value]) => [name, value ?? undefined]));
    }
    this.#badValue(path, foundText(given, false), 'settings, as keys with values');
    return undefined;
  }

  #refuseUnknown(group: SettingGroup, name: string, path: SettingPath): void {
    const near = nearestName(name, Object.keys(group.fields));
    const nearest = near === undefined ? undefined : [...path, near].join('.');
    this.#complain(new TocsinError('config.unknown_key', { ...this.#place([...path, name]), nearest }));
  }

  #rule(rule: SettingRule, value: unknown, path: SettingPath): void {
    const reason = rule.breach(value as never);
    if (reason !== undefined) this.#complain(new TocsinError('config.rule_broken', { ...this.#place(path), rule: rule.name, reason }));
  }

  #badValue(path: SettingPath, found: string, wants: string): void {
    this.#complain(new TocsinError('config.bad_value', { ...this.#place(path), found, wants }));
  }

  #complain(problem: TocsinError): void {
    if (this.problems.length < MAX_PROBLEMS) this.problems.push(problem);
  }

  #place(path: SettingPath): { at: string; path: string } {
    const line = this.#options.lineOf?.(path);
    const shown = path.join('.').slice(0, 200);
    return { at: line === undefined ? this.#options.file : `${this.#options.file}:${line}`, path: shown === '' ? 'the file' : shown };
  }
}

function take(own: Map<string, unknown>, name: string): unknown {
  const value = own.get(name);
  own.delete(name);
  return value;
}

/** A found value for a message: short, on one line, and never a secret. */
function foundText(value: unknown, hidden: boolean): string {
  if (hidden) return 'not what is wanted (not shown: it is a secret)';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a group of keys';
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
