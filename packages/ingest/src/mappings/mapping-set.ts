/**
 * Mapping files read into the mappings in force (`compile-mappings.ts`). Reading from disk is `shipped-mappings.ts`; decoding records is `decoders/`.
 */
import { isFormat } from '../decoders/decoders.ts';
import { createMappingSet, type MappingSet, type PlacedSpec } from './compile-mappings.ts';
import { type MappingDocument, parseMappingDocument } from './mapping-document.ts';
import { isShape, type PartialSpec, readMappings, readOrder, readShape, readTests } from './mapping-file.ts';

export { compileMappings, type MappingSet } from './compile-mappings.ts';

/** A file of mappings; `path` is for messages and for the order of files. */
export interface MappingText {
  readonly path: string;
  readonly text: string;
}

/**
 * Loads mapping files. Order of precedence: files by their `order`, then as given; within a file its cases, then itself;
 * those without conditions come after all others, one per format. @throws mapping.bad_file on the first mistake; nothing is loaded then
 */
export function loadMappings(files: readonly MappingText[]): MappingSet {
  const documents = files.map(parseMappingDocument);
  const shapes = new Map<string, PartialSpec>(documents.filter(isShape).map((document) => namedShape(document)));
  const mappings = documents
    .filter((document) => !isShape(document))
    .map((document) => ({ document, order: readOrder(document) }))
    .sort((a, b) => a.order - b.order)
    .map(({ document }) => document);
  const placed = mappings.flatMap((document) => readMappings(document, shapes).map((spec) => ({ spec, document })));
  checkIds(placed);
  return createMappingSet(
    placed,
    mappings.flatMap((document) => readTests(document)),
  );
}

function namedShape(document: MappingDocument): [string, PartialSpec] {
  const { name, base } = readShape(document);
  return [name, base];
}

function checkIds(placed: readonly PlacedSpec[]): void {
  const seen = new Set<string>();
  for (const { spec, document } of placed) {
    if (seen.has(spec.id)) document.fail(['mapping'], `mapping ${spec.id} is there twice`);
    seen.add(spec.id);
    const unknown = spec.formats.find((format) => !isFormat(format) || format === 'auto');
    if (unknown !== undefined) document.fail(['formats'], `no format is called ${unknown}`);
  }
}
