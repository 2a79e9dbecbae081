/** The descriptive part of a rule: id, title, authorship, tags and level. What the rule looks for is not read here. */
import { hashParts, type SigmaLevel, sha256Hex } from '@tocsin/core';
import { levelWeights } from './level.data.ts';
import type { RuleMetadata } from './parsed-rule.ts';
import { RuleFault } from './rule-fault.ts';
import { entry, isYamlMap, type YamlMap } from './yaml-map.ts';

const MAX_TITLE_CHARS = 256;
const MAX_TEXT_CHARS = 65_535;
const MAX_LIST = 200;

/** Metadata of a rule. A rule without an id gets one out of its title. @throws RuleFault detect.bad_rule */
export function readMetadata(document: YamlMap): RuleMetadata {
  const title = text(document, 'title', MAX_TITLE_CHARS);
  if (title === undefined || title.trim() === '') throw new RuleFault('detect.bad_rule', 'it has no title', []);
  const level = readLevel(document);
  const tags = texts(document, 'tags');
  return {
    id: text(document, 'id', MAX_TITLE_CHARS) ?? `title-${hashParts([title])}`,
    name: text(document, 'name', MAX_TITLE_CHARS),
    title,
    version: sha256Hex(canonicalJson(document)),
    author: text(document, 'author', MAX_TEXT_CHARS),
    references: texts(document, 'references'),
    tags,
    techniques: tags.flatMap(techniqueOf),
    description: text(document, 'description', MAX_TEXT_CHARS) ?? '',
    status: text(document, 'status', MAX_TITLE_CHARS) ?? '',
    falsePositives: texts(document, 'falsepositives'),
    level,
    ...levelWeights[level],
  };
}

/** JSON with sorted keys, so that the same content has the same text. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(sortKeys(value));
}

/** The same value, keys of its maps in order; itself where nothing had to move. */
function sortKeys(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.every(isLeaf) ? value : value.map(sortKeys);
  if (!isYamlMap(value)) return value;
  const names = Object.keys(value);
  if (names.every((name, i) => (i === 0 || (names[i - 1] as string) < name) && isLeaf(value[name]))) return value;
  const sorted: Record<string, unknown> = Object.create(null);
  for (const name of names.sort()) sorted[name] = sortKeys(value[name]);
  return sorted;
}

function isLeaf(value: unknown): boolean {
  return value === null || typeof value !== 'object';
}

function readLevel(document: YamlMap): SigmaLevel {
  const level = entry(document, 'level') ?? 'medium';
  if (typeof level === 'string' && Object.hasOwn(levelWeights, level.toLowerCase())) return level.toLowerCase() as SigmaLevel;
  throw new RuleFault('detect.bad_rule', `level ${JSON.stringify(level)} is none of ${Object.keys(levelWeights).join(', ')}`, ['level']);
}

function techniqueOf(tag: string): string[] {
  const found = /^attack\.(t[0-9]{4}(?:\.[0-9]{3})?)$/i.exec(tag);
  return found?.[1] === undefined ? [] : [found[1].toUpperCase()];
}

function text(document: YamlMap, key: string, maxChars: number): string | undefined {
  const value = entry(document, key);
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string' && typeof value !== 'number') throw new RuleFault('detect.bad_rule', `${key} is no text`, [key]);
  const read = String(value);
  if (read.length > maxChars) throw new RuleFault('detect.bad_rule', `${key} is longer than ${maxChars} characters`, [key]);
  return read;
}

function texts(document: YamlMap, key: string): string[] {
  const value = entry(document, key);
  if (value === undefined || value === null) return [];
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.slice(0, MAX_LIST).map((item, index) => {
    if (typeof item === 'string' || typeof item === 'number') return String(item).slice(0, MAX_TEXT_CHARS);
    throw new RuleFault('detect.bad_rule', `${key} holds something that is no text`, [key, index]);
  });
}
