/** The credential under which the command line sends events as a source: made on first use, then kept in the data folder. */
import { type LogSourceName, TocsinError } from '@tocsin/core';
import type { SourceSilence } from '../registry/registry.ts';
import type { HeardOf } from '../sources/source-desk.ts';
import { readToken, writeToken } from '../state/run-file.ts';
import type { ApiClient } from './api-client.ts';

/** A source as the API lists it. */
export interface ListedSource {
  readonly name: string;
  readonly format: string;
  readonly lane: 'live' | 'bulk';
  readonly logSource?: LogSourceName;
  readonly labels?: Readonly<Record<string, string>>;
  readonly silence?: SourceSilence;
  readonly createdMs: number;
  readonly revokedMs?: number;
  readonly events: number;
  readonly duplicates: number;
  readonly lastReceivedMs?: number;
  readonly heard?: HeardOf;
  /** Requests refused since the start, by error code. */
  readonly refused?: readonly { readonly reason: string; readonly requests: number; readonly events: number }[];
}

/** What a source is to be when it is made. */
export interface WantedSource {
  readonly name: string;
  readonly format?: string | undefined;
  readonly lane?: string | undefined;
  readonly logSource?: LogSourceName | undefined;
  readonly silence?: SourceSilence | undefined;
}

/** Name under which a source's token is kept. */
export function tokenNameOf(source: string): string {
  return `source/${source}`;
}

/** Registers a source and keeps its token. @throws api.exists */
export async function addSource(api: ApiClient, dataDir: string, wanted: WantedSource): Promise<{ source: ListedSource; token: string }> {
  const added = await api.call<{ source: ListedSource; token: string }>('POST', '/sources', { body: wanted });
  await writeToken(dataDir, tokenNameOf(wanted.name), added.token);
  return added;
}

/** The token of a source, which is made if there is none of its name. @throws cli.no_source_token, cli.bad_option where it reads another format */
export async function ensureSource(
  api: ApiClient,
  dataDir: string,
  wanted: WantedSource,
): Promise<{ token: string; created: boolean; format: string }> {
  const { sources } = await api.call<{ sources: readonly ListedSource[] }>('GET', '/sources');
  const present = sources.find((source) => source.name === wanted.name && source.revokedMs === undefined);
  if (!present) {
    // What is sent by hand ends when it ends.
    const added = await addSource(api, dataDir, { silence: 'off', ...wanted });
    return { token: added.token, created: true, format: added.source.format };
  }
  if (wanted.format !== undefined && wanted.format !== present.format) {
    throw new TocsinError('cli.bad_option', {
      option: '--format',
      given: wanted.format,
      wants: `${present.format}, as source ${wanted.name} reads, or another --source`,
    });
  }
  const token = await readToken(dataDir, tokenNameOf(wanted.name));
  if (token === undefined) throw new TocsinError('cli.no_source_token', { source: wanted.name, dataDir });
  return { token, created: false, format: present.format };
}
