/** Replays by the API: listed, and found by the beginning of an id. */
import { TocsinError } from '@tocsin/core';
import type { ReplayAnswer } from '../../api/replay-answer.ts';
import type { AlertsPath } from '../alerts/fetch-alerts.ts';
import type { ApiClient } from '../api-client.ts';
import { type GivenOptions, textOption } from '../command.ts';

/** Whose replays. */
export interface Whose {
  /** The own tenant where absent. */
  readonly tenant?: string | undefined;
}

/** Option for those of another tenant. */
export const WHOSE_OPTION = { flags: '--tenant <name>', about: 'of another tenant than your own (operators)' };

/** Whose, as given. */
export function readWhose(options: GivenOptions): Whose {
  return { tenant: textOption(options, 'tenant') };
}

/** Query that says whose. */
export function whoseQuery({ tenant }: Whose): string {
  return tenant === undefined ? '' : `?tenant=${encodeURIComponent(tenant)}`;
}

/** Where alerts are looked for: those of the replay that `--replay` names, else the live ones. @throws cli.no_replay */
export async function replayedPath(api: ApiClient, options: GivenOptions): Promise<AlertsPath | undefined> {
  const named = textOption(options, 'replay');
  return named === undefined ? undefined : `/replays/${await resolveReplayId(api, named, {})}/alerts`;
}

/** All of them, the newest first. */
export async function fetchReplays(api: ApiClient, whose: Whose): Promise<readonly ReplayAnswer[]> {
  return (await api.call<{ replays: ReplayAnswer[] }>('GET', `/replays${whoseQuery(whose)}`)).replays;
}

/** One, by its whole id. @throws api.not_found */
export async function fetchReplay(api: ApiClient, { id, ...whose }: Whose & { readonly id: string }): Promise<ReplayAnswer> {
  return (await api.call<{ replay: ReplayAnswer }>('GET', `/replays/${encodeURIComponent(id)}${whoseQuery(whose)}`)).replay;
}

/** The whole id that begins with what was typed. @throws cli.no_replay */
export async function resolveReplayId(api: ApiClient, prefix: string, whose: Whose): Promise<string> {
  const found = (await fetchReplays(api, whose)).filter(({ id }) => prefix !== '' && id.startsWith(prefix.toLowerCase()));
  const [one, other] = found;
  if (one === undefined || other !== undefined)
    throw new TocsinError('cli.no_replay', { prefix, found: found.map(({ id }) => id).slice(0, 5) });
  return one.id;
}
