/**
 * The settings file of an installation: found, parsed with line numbers, laid under what the command line gives, checked.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, TocsinError } from '@tocsin/core';
import { checkSettings, readSettings, type SettingGroup, type SettingPath, type SettingsOf } from '@tocsin/core/setting';
import { isMap, LineCounter, parseDocument } from 'yaml';
import { type InstallationSettings, installationSettings } from './settings.ts';

/** Largest settings file, bytes. */
const MAX_CONFIG_BYTES = 1 << 20;

/** A parsed settings file. */
export interface ConfigFile {
  /** Path, or `(no file)`. */
  readonly file: string;
  readonly given: unknown;
  readonly lineOf: (path: SettingPath) => number | undefined;
}

/** Reads a settings file; with no path `name` in the data folder, which need not be there. @throws config.unreadable */
export async function readConfigFile(path: string | undefined, dataDir: string, name = 'tocsin.yml'): Promise<ConfigFile> {
  const file = path ?? join(dataDir, name);
  try {
    return parseConfig(file, await readFile(file, 'utf8'));
  } catch (cause) {
    if (cause instanceof TocsinError) throw cause;
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    if (missing && path === undefined) return { file: '(no file)', given: {}, lineOf: () => undefined };
    throw new TocsinError('config.unreadable', { at: file, reason: messageOf(cause) }, { cause });
  }
}

/** Effective settings: the file's, with the command line's on top. `environment` resolves `${env:NAME}`. @throws config.invalid */
export function effectiveSettings(
  config: ConfigFile,
  overrides: Readonly<Record<string, unknown>>,
  environment: (name: string) => string | undefined,
): InstallationSettings {
  return settingsUnder(installationSettings, config, { overrides, environment });
}

/** As `effectiveSettings`, of any program's settings. @throws config.invalid */
export function settingsUnder<G extends SettingGroup>(
  group: G,
  config: ConfigFile,
  { overrides, environment }: { overrides: Readonly<Record<string, unknown>>; environment: (name: string) => string | undefined },
): SettingsOf<G> {
  const { given } = config;
  // An empty file is one without settings; a list or a text is a mistake, which laying the options over it would hide.
  const effective = given === null || isObject(given) ? merge(given ?? {}, overrides) : given;
  return readSettings(group, effective, { file: config.file, lineOf: config.lineOf, environment });
}

/** Everything wrong with a settings file, in its order. */
export function checkConfig(config: ConfigFile): readonly TocsinError[] {
  return checkSettings(installationSettings, config.given, { file: config.file, lineOf: config.lineOf });
}

function parseConfig(file: string, text: string): ConfigFile {
  if (text.length > MAX_CONFIG_BYTES)
    throw new TocsinError('config.unreadable', { at: file, reason: `it is larger than ${MAX_CONFIG_BYTES} bytes` });
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const [wrong] = document.errors;
  if (wrong)
    throw new TocsinError('config.unreadable', {
      at: file,
      reason: `line ${lines.linePos(wrong.pos[0]).line}: ${wrong.message.split('\n')[0]}`,
    });
  const lineOf = (path: SettingPath): number | undefined => {
    const parent = path.length > 1 ? document.getIn(path.slice(0, -1), true) : document.contents;
    const pair = isMap(parent) ? parent.items.find((item) => String(item.key) === path.at(-1)) : undefined;
    const range = (pair?.key as { range?: [number, number, number] } | undefined)?.range;
    return range ? lines.linePos(range[0]).line : undefined;
  };
  return { file, given: document.toJS({ maxAliasCount: 100 }) as unknown, lineOf };
}

/** Own keys only, object by object; what the command line leaves undefined stays the file's. */
function merge(under: unknown, over: unknown): unknown {
  if (over === undefined) return under;
  if (!isObject(under) || !isObject(over)) return over;
  const merged = new Map<string, unknown>(Object.entries(under));
  for (const [key, value] of Object.entries(over)) merged.set(key, merge(merged.get(key), value));
  return Object.fromEntries([...merged].filter(([, value]) => value !== undefined));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
