/** What the command line asks of a hunt: its options, checked. */
import { availableParallelism } from 'node:os';
import { type SigmaLevel, TocsinError } from '@tocsin/core';
import type { LogSourceFields } from '../../hunt/tagged-sources.ts';
import { choiceOption, type GivenOptions, numberOption, textOption } from '../command.ts';
import { shippedFolder } from '../shipped-folder.ts';
import { type OutputForm, outputs } from './hunt-output.ts';

/** A hunt as asked for. */
export interface HuntRequest {
  readonly rules: string;
  readonly output: OutputForm | 'summary';
  readonly failOn: SigmaLevel | undefined;
  readonly jobs: number;
  /** Parts of a log source and the members of an event that name them; undefined where mappings tell. */
  readonly logSourceFields: LogSourceFields | undefined;
  /** Folder of the rule cache; `default`: the user's own; undefined for none. */
  readonly cache: string | undefined;
}

/** Sigma's levels, mildest first. */
export const LEVELS: readonly SigmaLevel[] = ['informational', 'low', 'medium', 'high', 'critical'];

const MAX_JOBS = 256;
const PARTS = ['product', 'service', 'category'] as const;

/** Options as given. @throws cli.bad_option */
export function readHuntRequest(options: GivenOptions): HuntRequest {
  const summary = choiceOption(textOption(options, 'summary'), '--summary', ['json']);
  const form = choiceOption(textOption(options, 'output'), '--output', Object.keys(outputs) as OutputForm[]);
  return {
    rules: textOption(options, 'rules') ?? shippedFolder('rules'),
    output: summary === undefined ? (form ?? (options['json'] === true ? 'json' : 'table')) : 'summary',
    failOn: choiceOption(levelOf(textOption(options, 'failOn')), '--fail-on', LEVELS),
    jobs: numberOption(options, 'jobs', { min: 1, max: MAX_JOBS }) ?? availableParallelism(),
    logSourceFields: readFields(textOption(options, 'logSourceFields')),
    cache: options['cache'] === false ? undefined : (textOption(options, 'cache') ?? 'default'),
  };
}

/** Alerts call Sigma's lowest level `info`. */
function levelOf(given: string | undefined): string | undefined {
  return given?.toLowerCase() === 'info' ? 'informational' : given?.toLowerCase();
}

function readFields(given: string | undefined): LogSourceFields | undefined {
  if (given === undefined) return undefined;
  const pairs = given.split(',').map((pair) => [pair.slice(0, Math.max(0, pair.indexOf('='))), pair.slice(pair.indexOf('=') + 1)] as const);
  const isGood =
    pairs.every(([part, field]) => PARTS.some((known) => known === part) && field !== '') &&
    new Set(pairs.map(([part]) => part)).size === pairs.length;
  if (!isGood)
    throw new TocsinError('cli.bad_option', {
      option: '--log-source-fields',
      given,
      wants: 'parts such as product=FIELD,service=FIELD,category=FIELD',
    });
  return Object.fromEntries(pairs);
}
