import { appendFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSettings } from '@tocsin/core/setting';
import { describe, test } from 'vitest';
import { listenerCases, runListenerCase } from '../contract/listener-cases.ts';
import { CONTRACT_RECORD_BYTES, CONTRACT_SOURCE, type ListenerClient, type ListenerDriver } from '../contract/listener-driver.ts';
import { filesKind } from './files-listener.ts';
import { filesSettings } from './files-settings.ts';

/** Clients write files of their own; a stranger's is behind a link, which is not followed. */
const driver: ListenerDriver = {
  name: 'files',
  acknowledges: false,
  mayDrop: false,
  keepsIds: true,
  async open(context) {
    const folder = await mkdtemp(join(tmpdir(), 'tocsin-files-contract-'));
    await mkdir(join(folder, 'elsewhere'));
    const limits = { maxLineBytes: CONTRACT_RECORD_BYTES, maxInFlightBytes: 1 << 20, pollEvery: '50ms' };
    const given = { paths: [join(folder, '*.log')], source: CONTRACT_SOURCE, ...limits };
    const listener = await filesKind.open(readSettings(filesSettings, given, { file: 'test' }), context);
    let clients = 0;
    return {
      listener,
      async connect(as) {
        const path = join(folder, `client-${clients++}.log`);
        const real = as === 'known' ? path : join(folder, 'elsewhere', 'stranger.log');
        if (as === 'stranger') await symlink(real, path);
        return writer(real);
      },
      [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
    };
  },
};

async function writer(path: string): Promise<ListenerClient> {
  await writeFile(path, '');
  return {
    async send(texts) {
      await appendFile(path, texts.map((text) => `line |${text}\n`).join(''));
      return 'written';
    },
    sendGarbage: () => appendFile(path, Buffer.from([0, 255, 254, 10, 13, 10, 0xc3, 10])),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

describe('files', () => {
  test.each(listenerCases.map((each) => [each.name, each] as const))('%s', (_name, each) => runListenerCase(each, driver));
});
