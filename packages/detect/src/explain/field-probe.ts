/** Which fields that rules name an event has, read the way the rules read them. */
import type { Fields, LogSource } from '@tocsin/core';
import { resolveField } from '../compile/field-reader.ts';
import type { ParsedRule } from '../parse/parsed-rule.ts';
import { fieldsOf } from './check-detection.ts';

/** Names of fields that an event has, among those asked for, without the ones already `known`. */
export type FieldProbe = (fields: Fields, known: ReadonlySet<string>) => string[];

/** Probe for the events of one log source. */
export function createFieldProbe(names: readonly string[], logSource: LogSource | undefined): FieldProbe {
  const readers = names.map((name) => ({ name, read: resolveField(name, logSource) }));
  return (fields, known) => readers.flatMap(({ name, read }) => (!known.has(name) && read(fields).exists ? [name] : []));
}

/** Fields that the rules name, each once. */
export function fieldsOfRules(rules: readonly ParsedRule[]): string[] {
  return [...new Set(rules.flatMap((rule) => (rule.kind === 'detection' ? fieldsOf(rule) : [])))];
}
