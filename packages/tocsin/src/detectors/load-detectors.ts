/** Loads detectors from the files that the settings name. A file that is none is left out by name; the others are in force. */
import { createHash } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import { isTocsinError, messageOf, TocsinError } from '@tocsin/core';
import { checkDetector, type LoadedDetector } from '@tocsin/detect';

/** What came of the files. */
export interface LoadedDetectors {
  readonly loaded: readonly LoadedDetector[];
  /** Paths of those that were loaded, in the same order. */
  readonly paths: readonly string[];
  readonly refused: readonly TocsinError[];
}

/** Loads each file, in order. What its module does when it is loaded runs here. */
export async function loadDetectors(paths: readonly string[], read: (path: string) => Uint8Array): Promise<LoadedDetectors> {
  const loaded: LoadedDetector[] = [];
  const kept: string[] = [];
  const refused: TocsinError[] = [];
  for (const path of paths) {
    try {
      const one = await loadDetector(path, read);
      const known = loaded.findIndex(({ meta }) => meta.id === one.meta.id);
      if (known !== -1)
        throw new TocsinError('detect.bad_detector', { file: path, reason: `${kept[known]} has its id ${one.detector.id} already` });
      loaded.push(one);
      kept.push(path);
    } catch (error) {
      if (!isTocsinError(error, 'detect.bad_detector')) throw error;
      refused.push(error);
    }
  }
  return { loaded, paths: kept, refused };
}

async function loadDetector(path: string, read: (path: string) => Uint8Array): Promise<LoadedDetector> {
  let exported: unknown;
  let sha256: string;
  try {
    sha256 = createHash('sha256').update(read(path)).digest('hex');
    ({ detector: exported } = (await import(pathToFileURL(path).href)) as { detector?: unknown });
  } catch (cause) {
    throw new TocsinError('detect.bad_detector', { file: path, reason: messageOf(cause) }, { cause });
  }
  return checkDetector(exported, { path, sha256 });
}
