/** Finding settings in a declaration: every path, and what there is to say about one. */
import { TocsinError } from '../tocsin-error.ts';
import { nearestName } from './nearest-name.ts';
import type { Setting, SettingGroup, SettingNode } from './setting.ts';

/** What the reference and `tocsin config explain` say about a setting. Texts are in the form the user writes. */
export interface SettingExplanation {
  /** Path from the root, joined by dots; `<name>` stands for a name the user chooses. */
  readonly path: string;
  readonly kind: string;
  readonly about: string;
  readonly wants: string;
  /** `required`, `none` (optional), or the default as it would be written. */
  readonly default: string;
  readonly example?: string | undefined;
  readonly since?: string | undefined;
  readonly deprecated?: string | undefined;
  readonly was: readonly string[];
}

/** Every setting of a declaration, in its order. */
export function settingPaths(group: SettingGroup): SettingExplanation[] {
  return [...walk(group, [])];
}

/** What there is to say about the setting at `path` (names the user chose are taken as they come). @throws config.unknown_key with the nearest path */
export function explainSetting(group: SettingGroup, path: string): SettingExplanation {
  const all = settingPaths(group);
  const found = all.find((setting) => pathMatches(setting.path, path));
  if (found !== undefined) return found;
  const nearest = nearestName(
    path,
    all.map((setting) => setting.path),
  );
  throw new TocsinError('config.unknown_key', { at: 'settings', path, nearest });
}

function* walk(node: SettingNode, path: readonly string[]): Generator<SettingExplanation> {
  if (node.node === 'setting') yield explanation(node, path);
  else if (node.node === 'named') yield* walk(node.each, [...path, '<name>']);
  else for (const [name, field] of Object.entries(node.fields)) yield* walk(field, [...path, name]);
}

function explanation(setting: Setting, path: readonly string[]): SettingExplanation {
  const { about, example, since, deprecated, was = [] } = setting.doc;
  return {
    path: path.join('.'),
    kind: setting.kind,
    about,
    wants: setting.wants,
    default: defaultText(setting),
    example,
    since,
    deprecated,
    was,
  };
}

function defaultText(setting: Setting): string {
  if (setting.default === undefined) return setting.optional ? 'none' : 'required';
  return typeof setting.default === 'string' ? setting.default : JSON.stringify(setting.default);
}

function pathMatches(declared: string, asked: string): boolean {
  const want = declared.split('.');
  const have = asked.split('.');
  return want.length === have.length && want.every((part, i) => part === '<name>' || part === have[i]);
}
