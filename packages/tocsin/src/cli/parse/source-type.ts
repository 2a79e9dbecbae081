/** What `--as` names: a format, or a mapping, whose format it then is. */
import { nearestName, TocsinError } from '@tocsin/core';
import { decoders, type FormatName, isFormat, jsonObjectsOf, type MappingSet } from '@tocsin/ingest';

/** Format of a source type; `auto` where none is given. @throws cli.bad_option */
export function formatOfType(given: string | undefined, mappings: Pick<MappingSet, 'specs'>): FormatName {
  if (given === undefined) return 'auto';
  if (isFormat(given)) return given;
  const spec = mappings.specs.find(({ id }) => id === given) ?? mappings.specs.find(({ id }) => id.startsWith(`${given}.`));
  if (spec !== undefined) return formatOfMapping(spec.formats[0] ?? '');
  const known = [...Object.keys(decoders), ...mappings.specs.map(({ id }) => id)];
  const nearest = nearestName(given, known);
  const wants = `a format (${Object.keys(decoders).join(', ')}) or a mapping such as windows.sysmon${nearest === undefined ? '' : `; did you mean ${nearest}?`}`;
  throw new TocsinError('cli.bad_option', { option: '--as', given, wants });
}

/** A mapping of JSON objects may stand for files of several forms: what a file is tells itself. */
function formatOfMapping(format: string): FormatName {
  return isFormat(format) && jsonObjectsOf(format) === undefined ? format : 'auto';
}
