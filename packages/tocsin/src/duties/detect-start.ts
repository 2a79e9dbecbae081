/**
 * Where the detection thread begins: with the compiled code that is kept, which has to be asked for before anything is loaded. A thread that
 * comes in place of one that was ended has events waiting for it, and loading its modules is most of its start.
 */
import { enableCompileCache } from 'node:module';
import { workerData } from 'node:worker_threads';
import { importQuickly } from '../quick-imports.ts';
import type { DetectBoot } from './detect-thread.ts';

const { codeFolder } = workerData as DetectBoot;
if (codeFolder !== undefined) enableCompileCache(codeFolder);
importQuickly();
await import('./detect-thread.ts');
