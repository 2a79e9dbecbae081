/** What an installation was created with and cannot change: site and number of partitions, kept in its data folder. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TocsinError } from '@tocsin/core';

/** Fixed at creation. */
export interface Identity {
  readonly site: string;
  readonly partitions: number;
  readonly createdMs: number;
}

/** Reads the identity, or writes it on a first start. @throws config.fixed where the settings ask for another one */
export async function openIdentity(dataDir: string, wanted: Identity): Promise<{ identity: Identity; firstRun: boolean }> {
  const path = join(dataDir, 'installation.json');
  try {
    const identity = JSON.parse(await readFile(path, 'utf8')) as Identity;
    for (const key of ['site', 'partitions'] as const) {
      if (identity[key] !== wanted[key]) throw new TocsinError('config.fixed', { setting: key, is: String(identity[key]), wanted: String(wanted[key]), dataDir });
    }
    return { identity, firstRun: false };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  await writeFile(path, `${JSON.stringify(wanted)}\n`, { mode: 0o600, flag: 'wx' });
  return { identity: wanted, firstRun: true };
}
