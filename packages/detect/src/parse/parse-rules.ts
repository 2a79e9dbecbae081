/**
 * The door for rule texts: files in, checked rules and refusals out. A mistake costs the rule it is in and nothing else.
 * Whether rules find log sources is seen when they are compiled.
 */
import { readCorrelation } from './correlation.ts';
import { readDetection } from './detection.ts';
import type { ParsedRule, RefusedRule, RuleLocation } from './parsed-rule.ts';
import { loadDocument, type RuleDocument, splitDocuments } from './read-documents.ts';
import { attempt, type LocatedDocument } from './refuse-rule.ts';
import { type LocatedRule, resolveReferences } from './resolve-references.ts';
import { RuleFault } from './rule-fault.ts';
import { entry, isYamlMap, readMetadata } from './rule-metadata.ts';
import { readTests } from './rule-tests.ts';

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

/** Rules of the given files, in order. References of correlations are looked up among all of them. */
export function parseRules(files: readonly RuleFile[]): ParsedRules {
  const refused: RefusedRule[] = [];
  const accepted: LocatedRule[] = [];
  const failed: LocatedDocument[] = [];
  const ids = new Map<string, RuleLocation>();
  for (const file of files) {
    for (const document of splitDocuments(file.text)) {
      const rule = attempt({ file, document, refused }, () => claimIds(readRule(file, document), ids));
      if (rule === undefined) failed.push({ file, document });
      else accepted.push({ file, document, rule });
    }
  }
  return { rules: resolveReferences({ accepted, failed }, refused), refused };
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
