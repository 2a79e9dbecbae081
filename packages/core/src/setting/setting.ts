/** What a declaration of settings is made of: single settings, groups of them, and groups by name. The kinds are in `kinds.ts`. */

/** The JSON Schema keywords that settings use. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly items?: JsonSchema;
}

/** What every setting says about itself. */
export interface SettingDoc {
  /** One sentence in domain words, for the reference. */
  readonly about: string;
  /** A value as the user writes it. */
  readonly example?: string | undefined;
  /** Version it came with. */
  readonly since?: string | undefined;
  /** Why not to use it, and what instead. */
  readonly deprecated?: string | undefined;
  /** Former names, still read, with a notice. */
  readonly was?: readonly string[] | undefined;
}

/** One setting. `T` is its value in the program; the user writes its given form, such as `10s`. */
export interface Setting<T = unknown> {
  readonly node: 'setting';
  /** Word for the reference: `duration`, `bytes` … */
  readonly kind: string;
  readonly doc: SettingDoc;
  /** Default in its given form; undefined where there is none. */
  readonly default: unknown;
  /** True where the value is undefined when not given. */
  readonly optional: boolean;
  /** True where its value must never be shown. */
  readonly hidden: boolean;
  /** Schema of the given form. */
  readonly schema: JsonSchema;
  /** What to give, for messages: `a duration such as 10s, at least 1ms`. */
  readonly wants: string;
  /** Value of a given form that fits the schema; undefined where it is out of range or no such thing. */
  read(given: unknown): T | undefined;
  /** Given form of a value, redacted. */
  print(value: T): unknown;
}

/** A rule over several settings of a group. `breach` gives the reason where it is broken. */
export interface SettingRule<V = never> {
  /** Name, such as `timeout below ack wait`. */
  readonly name: string;
  breach(value: V): string | undefined;
}

/** A group of settings: an object in the file. */
export interface SettingGroup<F extends SettingFields = SettingFields> {
  readonly node: 'group';
  readonly about: string;
  readonly fields: F;
  readonly rules: readonly SettingRule[];
}

/** Groups of one form by names the user chooses: sources, tenants. */
export interface NamedSettings<G extends SettingGroup = SettingGroup> {
  readonly node: 'named';
  readonly about: string;
  readonly each: G;
  /** Most entries. */
  readonly maxEntries: number;
}

/** Whatever may stand in a group. */
export type SettingNode = Setting | SettingGroup | NamedSettings;

/** The fields of a group by name. */
export type SettingFields = { readonly [name: string]: SettingNode };

/** Type of the value of a group. */
export type SettingsOf<N extends SettingNode> =
  N extends SettingGroup<infer F>
    ? { readonly [K in keyof F]: SettingsOf<F[K]> }
    : N extends NamedSettings<infer G>
      ? Readonly<Record<string, SettingsOf<G>>>
      : N extends Setting<infer T>
        ? T
        : never;

/** Declares a group. Rules are read after every single setting was right. */
export function settings<const F extends SettingFields>(options: {
  readonly about: string;
  readonly fields: F;
  readonly rules?: readonly SettingRule<SettingsOf<SettingGroup<F>>>[];
}): SettingGroup<F> {
  return { node: 'group', about: options.about, fields: options.fields, rules: options.rules ?? [] };
}

/** Declares groups by name; none by default. */
export function named<G extends SettingGroup>(
  each: G,
  options: { readonly about: string; readonly maxEntries?: number },
): NamedSettings<G> {
  return { node: 'named', each, about: options.about, maxEntries: options.maxEntries ?? 10_000 };
}
