/** Where things are in this clone. */
import { join } from 'node:path';

/** The clone's root folder. */
export const root = join(import.meta.dirname, '..');

/** The program as built. */
export const program = process.env['TOCSIN_BENCH_PROGRAM'] ?? join(root, 'packages', 'tocsin', 'dist', 'main.js');
