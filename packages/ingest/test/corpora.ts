/** Where the public recordings lie: `TOCSIN_CORPORA`, else `../shared/corpora` from the repository's root. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { unlessFound } from './needs.ts';

/** Folder of the recordings, there or not. */
export const corporaFolder = process.env['TOCSIN_CORPORA'] ?? join(import.meta.dirname, '../../../../shared/corpora');

/** The reason to skip; undefined where they are there. */
export const missingCorpora = unlessFound(existsSync(corporaFolder), 'the public rules and recordings are not beside this clone');
