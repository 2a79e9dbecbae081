/** Where a thread that judges begins: with the compiled code that the main thread uses too, which has to be asked for before anything is loaded. */
import { enableCompileCache } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import { importQuickly } from '../quick-imports.ts';
import type { ThreadBoot } from './judge-in-thread.ts';

const boot = workerData as ThreadBoot;
if (boot.codeFolder !== undefined) enableCompileCache(boot.codeFolder);
importQuickly();
const { judgeInThread } = await import('./judge-in-thread.ts');
if (parentPort !== null) judgeInThread(boot, parentPort);
