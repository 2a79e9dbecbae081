/** What a detection thread knows of detectors and suspects: loaded, and told what is left out. */
import { readFileSync } from 'node:fs';
import { TocsinError } from '@tocsin/core';
import type { LoadedDetector } from '@tocsin/detect';
import { loadDetectors } from '../../detectors/load-detectors.ts';
import type { DetectBoot } from '../detect-thread.ts';
import { BlackBox } from './black-box.ts';
import { quarantinedDetectors, type Suspect } from './suspect.ts';

/** Detectors and suspects of one thread. */
export interface DetectorGround {
  readonly box: BlackBox;
  readonly suspects: readonly Suspect[];
  readonly detectors: readonly LoadedDetector[];
  /** Their files, in the same order. */
  readonly files: readonly string[];
  /** Places of those that are not asked. */
  readonly quarantined: ReadonlySet<number>;
}

/** Loads the detectors of a thread; what is refused or in quarantine is told. */
export async function openDetectors(
  { blackBox, suspects = [], detectors: paths }: Pick<DetectBoot, 'blackBox' | 'suspects' | 'detectors'>,
  onTrouble: (error: unknown, what: string) => void,
): Promise<DetectorGround> {
  const { loaded, paths: files, refused } = await loadDetectors(paths, (path) => readFileSync(path));
  for (const error of refused) onTrouble(error, 'loading detectors');
  const quarantined = quarantinedDetectors(suspects);
  for (const [place, ended] of quarantined) {
    const detector = loaded[place]?.meta.id ?? String(place);
    const reason = [...new Set(ended.map((suspect) => suspect.reason))].join(', ');
    onTrouble(new TocsinError('detect.detector_quarantined', { detector, times: ended.length, reason }), 'loading detectors');
  }
  return { box: new BlackBox(blackBox), suspects, detectors: loaded, files, quarantined: new Set(quarantined.keys()) };
}
