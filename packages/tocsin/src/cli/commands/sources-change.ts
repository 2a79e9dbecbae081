/** `tocsin sources rotate` and `tocsin sources set`: a new token, and what holds for a source. */

import { readFile } from 'node:fs/promises';
import { parseBytes, parseDuration, TocsinError } from '@tocsin/core';
import type { ShownCredential } from '../../sources/source-desk.ts';
import { tokenPath, writeToken } from '../../state/run-file.ts';
import { type Command, choiceOption, type GivenOptions, listOption, numberOption, textOption } from '../command.ts';
import { sayTime } from '../figures.ts';
import { type ListedSource, tokenNameOf } from '../source-token.ts';
import { visible } from '../visible-text.ts';

/** `tocsin sources rotate NAME`. */
export const sourcesRotate: Command = {
  name: 'sources rotate',
  argument: '<name>',
  summary: 'give a source a new token; the former one is accepted for a while, so that its agent can be changed without a gap',
  options: [
    {
      flags: '--grace <duration>',
      about: 'how long the former token is accepted, such as 2h; 0s: not at all (default: as the settings say)',
    },
  ],
  examples: ['tocsin sources rotate web01', 'tocsin sources rotate web01 --grace 15m'],
  async run({ terminal, api, dataDir }, [name = ''], options) {
    const graceMs = durationOption(options, 'grace');
    const body = graceMs === undefined ? {} : { graceSeconds: Math.ceil(graceMs / 1000) };
    const path = `/sources/${encodeURIComponent(name)}/rotate`;
    const rotated = await (await api()).call<{ token: string; credentials: ShownCredential[] }>('POST', path, { body });
    await writeToken(dataDir, tokenNameOf(name), rotated.token);
    if (terminal.json) terminal.object(rotated);
    else if (!terminal.interactive) terminal.line(rotated.token);
    else {
      terminal.line(`Token  ${terminal.style('bold', visible(rotated.token))}`);
      terminal.line(`It is shown only now; a copy is in ${visible(tokenPath(dataDir, tokenNameOf(name)))}`);
      for (const { label, state, expiresMs } of rotated.credentials)
        if (state === 'grace' && expiresMs !== undefined) terminal.line(`${visible(label)} is accepted until ${sayTime(expiresMs)}`);
    }
    return 0;
  },
};

/** `tocsin sources set NAME`. */
export const sourcesSet: Command = {
  name: 'sources set',
  argument: '<name>',
  summary: 'change what holds for a source, from its next batch on; what is not named stays, `default` goes back to what holds for all',
  options: [
    { flags: '--format <format>', about: 'how its records are read' },
    { flags: '--lane <lane>', about: 'live or bulk' },
    { flags: '--product <name>', about: 'of what product its events are; with --service and --category replaces all three' },
    { flags: '--service <name>', about: 'of what service' },
    { flags: '--category <name>', about: 'of what category' },
    { flags: '--label <key=value...>', about: 'labels, in place of those it has' },
    { flags: '--silence <times>', about: 'when its silence is told: off, 5m, or 5m,30m' },
    { flags: '--privacy <file>', about: 'YAML file of what is dropped, masked, hashed and tokenised: docs/how-to/privacy.md' },
    { flags: '--secrets <mode>', about: 'off, flag or mask: secrets that are found; replaces the policy where no --privacy is given' },
    { flags: '--schemas <mode>', about: 'off, warn or enforce: records that do not fit the schema of their type' },
    { flags: '--events <count>', about: 'events per second; 0: no limit' },
    { flags: '--bytes <size>', about: 'bytes of records per second, such as 2MiB; 0B: no limit' },
  ],
  examples: ['tocsin sources set web01 --label site=berlin --silence 5m,30m', 'tocsin sources set scanner --silence off --events 2000'],
  async run({ terminal, api }, [name = ''], options) {
    const body = await changeOf(options);
    if (Object.keys(body).length === 0)
      throw new TocsinError('cli.bad_option', { option: 'sources set', given: 'nothing', wants: 'at least one option' });
    const changed = await (await api()).call<{ source: ListedSource }>('PATCH', `/sources/${encodeURIComponent(name)}`, { body });
    if (terminal.json) terminal.object(changed);
    else terminal.line(`In force for ${visible(name)} from its next batch on. Look with: tocsin sources show ${visible(name)}`);
    return 0;
  },
};

const DEFAULT = 'default';

async function changeOf(options: GivenOptions): Promise<Record<string, unknown>> {
  const change: Record<string, unknown> = {};
  const put = (name: string, value: unknown): void => {
    if (value !== undefined) change[name] = value;
  };
  put('format', textOption(options, 'format'));
  put('lane', textOption(options, 'lane'));
  put('logSource', logSourceOf(options));
  put('labels', labelsOf(options));
  put('silence', silenceOf(options));
  put('limits', limitsOf(options));
  const schemas = textOption(options, 'schemas');
  put('schemas', schemas === DEFAULT ? null : schemas);
  put('privacy', await privacyOf(options));
  return change;
}

function logSourceOf(options: GivenOptions): object | null | undefined {
  const given = (['product', 'service', 'category'] as const).flatMap((part) => {
    const word = textOption(options, part);
    return word === undefined ? [] : [[part, word] as const];
  });
  if (given.length === 0) return undefined;
  const kept = given.filter(([, word]) => word !== DEFAULT);
  return kept.length === 0 ? null : Object.fromEntries(kept);
}

function labelsOf(options: GivenOptions): object | null | undefined {
  const given = listOption(options, 'label');
  if (given.length === 0) return undefined;
  if (given.length === 1 && given[0] === DEFAULT) return null;
  return Object.fromEntries(
    given.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw new TocsinError('cli.bad_option', { option: '--label', given: pair, wants: 'key=value' });
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

/** Least silence that the API takes. */
const MIN_SILENCE_MS = 1000;

function silenceOf(options: GivenOptions): unknown {
  const given = textOption(options, 'silence');
  if (given === undefined || given === 'off') return given;
  if (given === DEFAULT) return null;
  const [first = '', second] = given.split(',');
  const firstMs = durationOf('silence', first);
  const secondMs = second === undefined ? undefined : durationOf('silence', second);
  if (firstMs < MIN_SILENCE_MS || (secondMs !== undefined && secondMs <= firstMs))
    throw new TocsinError('cli.bad_option', { option: '--silence', given, wants: 'a time of at least 1s, and after a comma a longer one' });
  return { firstMs, ...(secondMs === undefined ? {} : { secondMs }) };
}

/** A policy out of a file, and what is done about secrets. @throws cli.unreadable, cli.bad_option */
async function privacyOf(options: GivenOptions): Promise<unknown> {
  const path = textOption(options, 'privacy');
  const secrets = choiceOption(textOption(options, 'secrets'), '--secrets', ['off', 'flag', 'mask', DEFAULT] as const);
  if (path === DEFAULT || (path === undefined && secrets === DEFAULT)) return null;
  if (path === undefined) return secrets === undefined ? undefined : { secrets };
  const { parse } = await import('yaml');
  const policy: unknown = parse(await readText(path));
  if (typeof policy !== 'object' || policy === null || Array.isArray(policy))
    throw new TocsinError('cli.bad_option', { option: '--privacy', given: path, wants: 'a YAML file with secrets, drop and fields' });
  return { ...policy, ...(secrets === undefined || secrets === DEFAULT ? {} : { secrets }) };
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new TocsinError('cli.bad_option', { option: '--privacy', given: path, wants: 'a file that can be read' }, { cause });
  }
}

function limitsOf(options: GivenOptions): object | undefined {
  const eventsPerSecond = numberOption(options, 'events', { min: 0, max: 1e9 });
  const size = textOption(options, 'bytes');
  const bytesPerSecond = size === undefined ? undefined : parseBytes(size);
  if (size !== undefined && bytesPerSecond === undefined)
    throw new TocsinError('cli.bad_option', { option: '--bytes', given: size, wants: 'a size such as 2MiB' });
  if (eventsPerSecond === undefined && bytesPerSecond === undefined) return undefined;
  return {
    ...(eventsPerSecond === undefined ? {} : { eventsPerSecond }),
    ...(bytesPerSecond === undefined ? {} : { bytesPerSecond: Math.round(bytesPerSecond) }),
  };
}

function durationOption(options: GivenOptions, name: string): number | undefined {
  const given = textOption(options, name);
  return given === undefined ? undefined : durationOf(name, given);
}

/** @throws cli.bad_option */
function durationOf(name: string, given: string): number {
  const ms = parseDuration(given);
  if (ms === undefined) throw new TocsinError('cli.bad_option', { option: `--${name}`, given, wants: 'a time such as 15m' });
  return ms;
}
