/**
 * The door for rule texts: files in, checked rules and refusals out. A mistake costs the rule it is in and nothing else.
 * Whether rules find log sources is seen when they are compiled.
 */
import { hashParts, sha256Hex } from '@tocsin/core';
import { addRuleFile } from './add-rule-file.ts';
import { translateAggregation } from './aggregation.ts';
import { readCollection } from './collection.ts';
import { readCorrelation } from './correlation.ts';
import { readDetection } from './detection.ts';
import { compactRule } from './encode-rules.ts';
import { isMeantFor, readFilter, withFilters } from './filter.ts';
import { aroundRules, isKnown, type ParseMemo, type RuleFile } from './parse-memo.ts';
import type { DetectionRule, GivenPlaceholders, ParsedRule, RefusedRule, RuleFilter, RuleLocation } from './parsed-rule.ts';
import { givesPlaceholders, joinPlaceholders, type PlaceholderValues, readPlaceholders } from './placeholders.ts';
import { attempt, type LocatedDocument } from './refuse-rule.ts';
import { type LocatedRule, resolveReferences } from './resolve-references.ts';
import { RuleFault } from './rule-fault.ts';
import { canonicalJson, readMetadata } from './rule-metadata.ts';
import { readTests } from './rule-tests.ts';
import { entry, isYamlMap, type YamlMap } from './yaml-map.ts';

/** What reading rules may need from outside. */
export interface ParseOptions {
  /** Values of placeholders (`expand`), beside those that documents among the files give. */
  readonly placeholders?: PlaceholderValues | undefined;
  /** What was read of the files before; afterwards what was read of these. Without it every file is read. */
  readonly memo?: ParseMemo | undefined;
  /** Rules are to be kept for long: what they look for is held as text, and read anew each time it is looked at after it was let go. */
  readonly compact?: boolean | undefined;
}

/** Outcome of reading rule files. Every document is in exactly one of the lists, but for those that carry an action only. */
export interface ParsedRules {
  /** Rules with the filters that are meant for them. A rule with an aggregation of the older format is two. */
  readonly rules: readonly ParsedRule[];
  readonly filters: readonly RuleFilter[];
  readonly placeholders: readonly GivenPlaceholders[];
  readonly refused: readonly RefusedRule[];
}

/** Rules of the given files, in order. References of correlations and filters are looked up among all of them. */
export function parseRules(files: readonly RuleFile[], options: ParseOptions = {}): ParsedRules {
  const { memo } = options;
  const before = options.placeholders === undefined ? memo?.before : undefined;
  const parsed =
    (before && addRuleFile(files, before, (file) => parseRules([file], { compact: options.compact }))) ?? parseAll(files, options);
  memo?.keep({ files, parsed });
  return parsed;
}

function parseAll(files: readonly RuleFile[], options: ParseOptions): ParsedRules {
  const refused: RefusedRule[] = [];
  const documents = files.flatMap((file): readonly LocatedDocument[] => options.memo?.documentsOf(file) ?? collect(file, refused));
  return parseDocuments(files, options, { documents, refused }) ?? parseAll(files, options);
}

interface Collected {
  /** Documents of the files in order. */
  readonly documents: readonly LocatedDocument[];
  readonly refused: RefusedRule[];
}

/** Undefined where the memo was of other filters or placeholders, and forgot. */
function parseDocuments(files: readonly RuleFile[], options: ParseOptions, { documents, refused }: Collected): ParsedRules | undefined {
  const given = gatherPlaceholders(documents, refused);
  const placeholders = joinPlaceholders([
    ...(options.placeholders === undefined ? [] : [options.placeholders]),
    ...given.map(({ values }) => values),
  ]);
  const filters = gatherFilters(documents, { placeholders, refused });
  const around = aroundRules(
    filters.map(({ filter }) => filter.version),
    placeholders,
  );
  if (options.memo?.isOf(around) === false) return undefined;
  const accepted: LocatedRule[] = [];
  const failed: LocatedDocument[] = documents.filter(({ value }) => value === undefined);
  const ids = new Map<string, RuleLocation>();
  const fresh = (located: LocatedDocument): readonly ParsedRule[] => {
    const read = readRules(located, { placeholders, filters });
    return options.compact === true ? read.map(compactRule) : read;
  };
  for (const located of documents) {
    if (!isRule(located.value)) continue;
    const rules = attempt({ ...located, refused }, () => claimIds(knownRules(located, filters) ?? fresh(located), ids));
    if (rules === undefined) failed.push(located);
    else accepted.push(...rules.map((rule) => ({ file: located.file, document: located.document, value: located.value, rule })));
  }
  options.memo?.turn(files, documents, accepted);
  const rules = resolveReferences({ accepted, failed }, refused);
  const stand = standing(filters, { rules, refused });
  const named = given.map(({ location, values }) => ({ location, names: [...values.keys()] }));
  return { rules, filters: stand, placeholders: named, refused: inOrderOf(files, refused) };
}

/** Refusals as a reader meets them, whichever step they come from. */
function inOrderOf(files: readonly RuleFile[], refused: readonly RefusedRule[]): RefusedRule[] {
  const places = new Map(files.map(({ path }, place) => [path, place]));
  const placeOf = ({ path }: RefusedRule): number => places.get(path) ?? files.length;
  return [...refused].sort((a, b) => placeOf(a) - placeOf(b) || a.line - b.line || a.column - b.column);
}

function collect(file: RuleFile, refused: RefusedRule[]): LocatedDocument[] {
  return readCollection(file.text).map(({ document, value, fault }) => {
    if (fault !== undefined) attempt({ file, document, refused }, () => raise(fault));
    return { file, document, value };
  });
}

function raise(fault: RuleFault): never {
  throw fault;
}

interface Given {
  readonly location: RuleLocation;
  readonly values: PlaceholderValues;
}

function gatherPlaceholders(documents: readonly LocatedDocument[], refused: RefusedRule[]): Given[] {
  return documents.flatMap((located) => {
    const { value, file, document } = located;
    if (!givesPlaceholders(value)) return [];
    const values = attempt({ ...located, refused }, () => readPlaceholders(value));
    return values === undefined ? [] : [{ location: { path: file.path, line: document.line, column: 1 }, values }];
  });
}

/** A filter, the document it is in, and the ids of the rules it was added to so far. */
interface LocatedFilter extends LocatedDocument {
  readonly filter: RuleFilter;
  readonly appliesTo: Set<string>;
}

interface Gathering {
  readonly placeholders: PlaceholderValues;
  readonly refused: RefusedRule[];
}

function gatherFilters(documents: readonly LocatedDocument[], { placeholders, refused }: Gathering): LocatedFilter[] {
  return documents.flatMap((located) => {
    const { value, file, document } = located;
    if (!isFilter(value)) return [];
    const filter = attempt({ ...located, refused }, (): RuleFilter => {
      const { id, title } = readMetadata(value);
      const version = sha256Hex(canonicalJson([value, usedValues(value, placeholders)]));
      return {
        id,
        title,
        version,
        location: { path: file.path, line: document.line, column: 1 },
        ...readFilter(value, placeholders),
        appliesTo: [],
      };
    });
    return filter === undefined ? [] : [{ ...located, filter, appliesTo: new Set<string>() }];
  });
}

/** Filters that were added to some rule; one that was not says so among the refusals. */
function standing(
  filters: readonly LocatedFilter[],
  { rules, refused }: { rules: readonly ParsedRule[]; refused: RefusedRule[] },
): RuleFilter[] {
  return filters.flatMap((located) => {
    const appliesTo = rules.filter((rule) => located.appliesTo.has(rule.meta.id)).map((rule) => rule.meta.id);
    if (appliesTo.length > 0) return [{ ...located.filter, appliesTo }];
    const { targets } = located.filter;
    const wanted = targets === 'any' ? 'any rule' : `rule ${targets.slice(0, 3).join(', ')}${targets.length > 3 ? ', …' : ''}`;
    const reason = `the filter is for ${wanted} of its log source, and there is none (plain rules only: a filter cannot be added to a correlation)`;
    attempt({ ...located, refused }, () => raise(new RuleFault('detect.bad_rule', reason, ['filter', 'rules'])));
    return [];
  });
}

interface Reading {
  readonly placeholders: PlaceholderValues;
  readonly filters: readonly LocatedFilter[];
}

function isFilter(value: unknown): value is YamlMap {
  return isYamlMap(value) && entry(value, 'filter') !== undefined;
}

function isRule(value: unknown): boolean {
  return value !== undefined && !isFilter(value) && !givesPlaceholders(value);
}

/** Rules that are remembered of a document; filters learn anew whom they apply to. */
function knownRules(located: LocatedDocument, filters: readonly LocatedFilter[]): readonly ParsedRule[] | undefined {
  if (!isKnown(located)) return undefined;
  if (filters.length === 0) return located.known;
  for (const { meta, logSource } of located.known) {
    const references = [meta.id, ...(meta.name === undefined ? [] : [meta.name])];
    for (const { filter, appliesTo } of filters) if (isMeantFor(filter, references, logSource)) appliesTo.add(meta.id);
  }
  return located.known;
}

/** The rule of a document, or the two that an aggregation stands for. */
function readRules({ file, document, value }: LocatedDocument, reading: Reading): ParsedRule[] {
  if (!isYamlMap(value)) throw new RuleFault('detect.bad_rule', 'the document is no map', []);
  const location: RuleLocation = { path: file.path, line: document.line, column: 1 };
  if (entry(value, 'correlation') !== undefined) return [readCorrelationRule(value, location)];
  const aggregation = translateAggregation(value);
  if (aggregation === undefined) return [readDetectionRule(value, location, reading)];
  const correlation = readCorrelationRule(aggregation.correlation, location);
  const known = [correlation.meta.id, ...(correlation.meta.name === undefined ? [] : [correlation.meta.name])];
  return [readDetectionRule(aggregation.events, location, { ...reading, known }), correlation];
}

function readCorrelationRule(value: YamlMap, location: RuleLocation): ParsedRule {
  return { kind: 'correlation', meta: readMetadata(value), location, tests: readTests(value), ...readCorrelation(value) };
}

/** `known` are references that mean this rule beside its own. */
function readDetectionRule(
  value: YamlMap,
  location: RuleLocation,
  { placeholders, filters, known = [] }: Reading & { known?: string[] },
): DetectionRule {
  const meta = readMetadata(value);
  const parts = readDetection(value, placeholders);
  const values = usedValues(value, placeholders);
  const version = values.length === 0 ? meta.version : hashParts([meta.version, canonicalJson(values)], 64);
  const rule: DetectionRule = { kind: 'detection', meta: { ...meta, version }, location, tests: readTests(value), ...parts };
  const references = [meta.id, ...(meta.name === undefined ? [] : [meta.name]), ...known];
  const meant = filters.filter(({ filter }) => isMeantFor(filter, references, rule.logSource));
  for (const { appliesTo } of meant) appliesTo.add(meta.id);
  return withFilters(
    rule,
    meant.map(({ filter }) => filter),
  );
}

/** Placeholders that a document speaks of, with their values: what it means hangs on them. */
function usedValues(value: YamlMap, placeholders: PlaceholderValues): (readonly [string, readonly string[]])[] {
  if (placeholders.size === 0) return [];
  const text = JSON.stringify(value);
  return [...placeholders].filter(([name]) => text.includes(JSON.stringify(`%${name}%`).slice(1, -1))).sort(([a], [b]) => (a < b ? -1 : 1));
}

function claimIds(rules: readonly ParsedRule[], ids: Map<string, RuleLocation>): readonly ParsedRule[] {
  const claims = rules.flatMap((rule): (readonly [string, string])[] => [
    [rule.meta.id, 'id'],
    ...(rule.meta.name === undefined || rule.meta.name === rule.meta.id ? [] : [[rule.meta.name, 'name'] as const]),
  ]);
  for (const [claim, key] of claims) {
    const first = ids.get(claim);
    if (first !== undefined)
      throw new RuleFault('detect.duplicate_rule', `its ${key} ${claim} is already taken by the rule at ${first.path}:${first.line}`, [
        key,
      ]);
  }
  for (const [claim] of claims) ids.set(claim, (rules[0] as ParsedRule).location);
  return rules;
}
