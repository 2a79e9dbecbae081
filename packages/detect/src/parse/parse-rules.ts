/**
 * The door for rule texts: files in, checked rules and refusals out. A mistake costs the rule it is in and nothing else.
 * Whether rules find log sources is seen when they are compiled.
 */
import { TocsinError } from '@tocsin/core';
import { readCorrelation } from './correlation.ts';
import { readDetection } from './detection.ts';
import type { CorrelationRule, ParsedRule, RefusedRule, RuleLocation } from './parsed-rule.ts';
import { loadDocument, locate, type RuleDocument, splitDocuments, YamlFault } from './read-documents.ts';
import { RuleFault } from './rule-fault.ts';
import { readTests } from './rule-tests.ts';
import { entry, isYamlMap, readMetadata } from './rule-metadata.ts';

/** A rule file as read by the caller; `path` is only shown. */
export interface RuleFile {
  readonly path: string;
  readonly text: string;
}

/** Outcome of reading rule files. Every document is in exactly one of the two. */
export interface ParsedRules {
  readonly rules: readonly ParsedRule[];
  readonly refused: readonly RefusedRule[];
}

interface Located {
  readonly file: RuleFile;
  readonly document: RuleDocument;
  readonly rule: ParsedRule;
}

/** Rules of the given files, in order. References of correlations are looked up among all of them. */
export function parseRules(files: readonly RuleFile[]): ParsedRules {
  const refused: RefusedRule[] = [];
  const accepted: Located[] = [];
  const ids = new Map<string, RuleLocation>();
  for (const file of files) {
    for (const document of splitDocuments(file.text)) {
      const rule = attempt({ file, document, refused }, () => claimIds(readRule(file, document), ids));
      if (rule !== undefined) accepted.push({ file, document, rule });
    }
  }
  return { rules: keepResolved(accepted, refused), refused };
}

/** How correlations find the rules they refer to. */
export function indexByReference(rules: readonly ParsedRule[]): ReadonlyMap<string, ParsedRule> {
  return new Map(
    rules.flatMap((rule) =>
      rule.meta.name === undefined
        ? [[rule.meta.id, rule]]
        : [
            [rule.meta.id, rule],
            [rule.meta.name, rule],
          ],
    ),
  );
}

function readRule(file: RuleFile, document: RuleDocument): ParsedRule {
  const value = loadDocument(document);
  if (!isYamlMap(value)) throw new RuleFault('detect.bad_rule', 'the document is no map', []);
  const meta = readMetadata(value);
  const common = { meta, location: { path: file.path, line: document.line, column: 1 }, tests: readTests(value) };
  if (entry(value, 'filter') !== undefined) throw new RuleFault('detect.unsupported', 'Sigma filters are not evaluated yet', ['filter']);
  if (entry(value, 'action') !== undefined)
    throw new RuleFault('detect.unsupported', 'rule collections (action) belong to Sigma 1', ['action']);
  if (entry(value, 'correlation') !== undefined) return { kind: 'correlation', ...common, ...readCorrelation(value) };
  return { kind: 'detection', ...common, ...readDetection(value) };
}

function claimIds(rule: ParsedRule, ids: Map<string, RuleLocation>): ParsedRule {
  const claims = [
    [rule.meta.id, 'id'],
    ...(rule.meta.name === undefined || rule.meta.name === rule.meta.id ? [] : [[rule.meta.name, 'name']]),
  ] as [string, string][];
  for (const [claim, key] of claims) {
    const first = ids.get(claim);
    if (first !== undefined)
      throw new RuleFault('detect.duplicate_rule', `its ${key} ${claim} is already taken by the rule at ${first.path}:${first.line}`, [
        key,
      ]);
  }
  for (const [claim] of claims) ids.set(claim, rule.location);
  return rule;
}

function keepResolved(accepted: readonly Located[], refused: RefusedRule[]): ParsedRule[] {
  const byReference = indexByReference(accepted.map(({ rule }) => rule));
  return accepted
    .filter(({ file, document, rule }) => {
      if (rule.kind === 'detection') return true;
      return attempt({ file, document, refused }, () => checkReferences(rule, byReference)) !== undefined;
    })
    .map(({ rule }) => rule);
}

function checkReferences(rule: CorrelationRule, byReference: ReadonlyMap<string, ParsedRule>): CorrelationRule {
  rule.references.forEach((reference, index) => {
    const path = ['correlation', 'rules', index];
    const referred = byReference.get(reference);
    if (referred === undefined)
      throw new RuleFault('detect.bad_correlation', `it refers to rule ${reference}, which is not there or was refused`, path);
    if (referred.kind === 'correlation')
      throw new RuleFault(
        'detect.unsupported',
        `it refers to ${reference}, a correlation: chained correlations are not evaluated yet`,
        path,
      );
  });
  return rule;
}

interface Attempt {
  readonly file: RuleFile;
  readonly document: RuleDocument;
  readonly refused: RefusedRule[];
}

function attempt<T>(where: Attempt, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RuleFault)) throw error;
    where.refused.push(refusal(where, error));
    return undefined;
  }
}

function refusal({ file, document }: Attempt, fault: RuleFault): RefusedRule {
  const place =
    fault instanceof YamlFault ? { line: fault.place.line + document.line - 1, column: fault.place.column } : locate(document, fault.path);
  const rule = nameOf(document, fault);
  const error = new TocsinError(fault.code, { file: file.path, ...place, rule, reason: fault.message }, { cause: fault });
  return { path: file.path, ...place, rule, reason: fault.message, error };
}

function nameOf(document: RuleDocument, fault: RuleFault): string {
  const [id, title] = ['id', 'title'].map((key) => new RegExp(`^${key}:\\s*['"]?(.{1,200}?)['"]?\\s*$`, 'm').exec(document.text)?.[1]);
  return id ?? title ?? (fault instanceof YamlFault ? 'without a readable title' : 'without a title');
}
