/** Checks what a file exports as a detector, before any event reaches it. */
import { TocsinError } from '@tocsin/core';
import { levelWeights } from '../parse/level.data.ts';
import { type Detector, detectorRuleId, type LoadedDetector } from './detector.ts';

type Shape = Readonly<Record<string, unknown>>;

const ID = /^[a-z0-9][a-z0-9-]{0,63}$/;
const MAX_FIELDS = 32;

/** The detector a module exports, with the hash of its file as its version. @throws detect.bad_detector */
export function checkDetector(exported: unknown, file: { readonly path: string; readonly sha256: string }): LoadedDetector {
  const refuse = (reason: string): never => {
    throw new TocsinError('detect.bad_detector', { file: file.path, reason });
  };
  if (!isShape(exported)) return refuse('it has no export named detector that is an object');
  const wrong = problemOf(exported) ?? foldProblem(exported['fold']);
  if (wrong !== undefined) return refuse(wrong);
  const detector = exported as unknown as Detector;
  const tags = [...(detector.tags ?? [])];
  const meta = {
    id: detectorRuleId(detector.id),
    title: detector.title,
    version: file.sha256,
    references: [],
    tags,
    techniques: tags.flatMap((tag) => /^attack\.(t\d{4}(?:\.\d{3})?)$/i.exec(tag)?.[1]?.toUpperCase() ?? []),
    description: detector.description,
    status: 'stable',
    falsePositives: [],
    level: detector.level,
    ...levelWeights[detector.level],
  };
  return { detector, meta };
}

function problemOf(shape: Shape): string | undefined {
  const checks: readonly (readonly [holds: boolean, problem: string])[] = [
    [isText(shape['id']) && ID.test(shape['id']), 'its id is no name of lower-case letters, digits and hyphens'],
    [isText(shape['title']), 'its title is missing'],
    [isText(shape['description']), 'its description is missing'],
    [isText(shape['level']) && Object.hasOwn(levelWeights, shape['level']), `its level is none of ${Object.keys(levelWeights).join(', ')}`],
    [isList(shape['sources']) && shape['sources'].length > 0 && shape['sources'].every(isShape), 'its sources are no list of log sources'],
    [isTextList(shape['fields']) && shape['fields'].length <= MAX_FIELDS, `its fields are no list of at most ${MAX_FIELDS} names`],
    [shape['tags'] === undefined || isTextList(shape['tags']), 'its tags are no list of texts'],
    [typeof shape['select'] === 'function', 'it has no function select'],
  ];
  return checks.find(([holds]) => !holds)?.[1];
}

function foldProblem(fold: unknown): string | undefined {
  if (!isShape(fold)) return 'it has no fold';
  for (const name of ['key', 'initial', 'advance']) if (typeof fold[name] !== 'function') return `its fold has no function ${name}`;
  if ((fold['onWatermark'] === undefined) !== (fold['nextDue'] === undefined)) return 'its fold has only one of onWatermark and nextDue';
  if (!isText(fold['groupName'])) return 'its fold has no groupName';
  return typeof fold['version'] === 'number' ? undefined : 'its fold has no version';
}

function isShape(value: unknown): value is Shape {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isList(value: unknown): value is unknown[] {
  return Array.isArray(value);
}

function isTextList(value: unknown): value is string[] {
  return isList(value) && value.every(isText);
}
