/** From a fault to a refusal: what is wrong with one rule, in which file, line and column, under which name. */
import { TocsinError } from '@tocsin/core';
import type { RefusedRule } from './parsed-rule.ts';
import { locate, type RuleDocument, YamlFault } from './read-documents.ts';
import { RuleFault } from './rule-fault.ts';

/** A document and the file it is in; `path` is only shown. */
export interface LocatedDocument {
  readonly file: { readonly path: string };
  readonly document: RuleDocument;
  /** Its content; undefined where it cannot be read. */
  readonly value: unknown;
}

/** A document that is being read, and where refusals go. */
export interface Attempt extends Omit<LocatedDocument, 'value'> {
  readonly refused: RefusedRule[];
}

/** What `read` comes to; undefined where it ended in a fault, which is then among the refusals. */
export function attempt<T>(where: Attempt, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof RuleFault)) throw error;
    where.refused.push(refusal(where, error));
    return undefined;
  }
}

function refusal({ file, document }: Omit<LocatedDocument, 'value'>, fault: RuleFault): RefusedRule {
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
