/** What `--as` names: a format, or a mapping, whose format it then is. */
import { TocsinError } from '@tocsin/core';
import { decoders, type FormatName, isFormat, type MappingSet } from '@tocsin/ingest';
import { nearestName } from '@tocsin/core/setting';

/** Format of a source type; `auto` where none is given. @throws cli.bad_option */
export function formatOfType(given: string | undefined, mappings: Pick<MappingSet, 'specs'>): FormatName {
  if (given === undefined) return 'auto';
  if (isFormat(given)) return given;
  const spec = mappings.specs.find(({ id }) => id === given) ?? mappings.specs.find(({ id }) => id.startsWith(`${given}.`));
  const [format = ''] = spec?.formats ?? [];
  // A mapping of JSON objects may stand for files of several forms: what a file is tells itself.
  if (spec !== undefined)
    return isFormat(format) && format !== 'json' && format !== 'windows-json' && format !== 'cloudtrail' ? format : 'auto';
  const known = [...Object.keys(decoders), ...mappings.specs.map(({ id }) => id)];
  const nearest = nearestName(given, known);
  const wants = `a format (${Object.keys(decoders).join(', ')}) or a mapping such as windows.sysmon${nearest === undefined ? '' : `; did you mean ${nearest}?`}`;
  throw new TocsinError('cli.bad_option', { option: '--as', given, wants });
}
