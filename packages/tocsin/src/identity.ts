/** What an installation was created with and cannot change: site and number of partitions, kept in its data folder. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TocsinError } from '@tocsin/core';
import { writeDurably } from './state/durable-file.ts';

/** Fixed at creation. */
export interface Identity {
  readonly site: string;
  readonly partitions: number;
  readonly createdMs: number;
}

/** Reads the identity, or writes it on a first start. @throws config.fixed where the settings ask for another one, config.unreadable */
export async function openIdentity(dataDir: string, wanted: Identity): Promise<{ identity: Identity; firstRun: boolean }> {
  const path = join(dataDir, 'installation.json');
  try {
    const identity = parseIdentity(path, await readFile(path, 'utf8'));
    for (const key of ['site', 'partitions'] as const) {
      if (identity[key] !== wanted[key])
        throw new TocsinError('config.fixed', { setting: key, is: String(identity[key]), wanted: String(wanted[key]), dataDir });
    }
    return { identity, firstRun: false };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  // Whole or not at all: half an identity would keep the installation from ever starting again.
  await writeDurably(path, `${JSON.stringify(wanted)}\n`);
  return { identity: wanted, firstRun: true };
}

/** Name of this process among those that share the duties: made once, kept in its data folder. @throws config.unreadable */
export async function memberName(dataDir: string, nextId: () => string): Promise<string> {
  const path = join(dataDir, 'member');
  try {
    const name = (await readFile(path, 'utf8')).trim();
    if (/^[\w-]{1,64}$/.test(name)) return name;
    throw new TocsinError('config.unreadable', { at: path, reason: 'it is no name of a member; remove it and a new one is made' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const name = nextId();
  await writeDurably(path, `${name}\n`);
  return name;
}

function parseIdentity(path: string, text: string): Identity {
  try {
    return JSON.parse(text) as Identity;
  } catch (cause) {
    throw new TocsinError('config.unreadable', { at: path, reason: 'it is no JSON' }, { cause });
  }
}
