/** Making a source a key under which it publishes over NATS, and saying what to do with it. */
import type { ApiClient } from './api-client.ts';
import { ensureSource, type WantedSource } from './source-token.ts';
import type { Terminal } from './terminal.ts';
import { visible } from './visible-text.ts';

/** As the API answers it. */
interface NatsKey {
  readonly source: string;
  readonly subject: string;
  readonly url: string;
  readonly inboxPrefix: string;
  readonly publicKey: string;
  readonly seed?: string;
}

/** Makes the source where there is none, then its key; prints it. Resolves with the exit code. @throws as the API, cli.no_source_token */
export async function addNatsKey(
  { terminal, client, dataDir }: { terminal: Terminal; client: ApiClient; dataDir: string },
  wanted: WantedSource,
  publicKey: string | undefined,
): Promise<number> {
  await ensureSource(client, dataDir, wanted);
  const path = `/sources/${encodeURIComponent(wanted.name)}/nats-key`;
  const key = await client.call<NatsKey>('POST', path, { body: publicKey === undefined ? {} : { publicKey } });
  if (terminal.json) terminal.object(key);
  else if (!terminal.interactive) terminal.line(key.seed ?? key.publicKey);
  else {
    terminal.line(
      `Source ${terminal.style('bold', visible(key.source))} may publish to ${terminal.style('bold', visible(key.subject))} and nowhere else.`,
    );
    if (key.seed !== undefined) terminal.line(`Seed   ${terminal.style('bold', visible(key.seed))}  shown only now, kept nowhere`);
    terminal.line(`Server ${visible(key.url)}, with inbox prefix ${visible(key.inboxPrefix)}`);
  }
  return 0;
}
