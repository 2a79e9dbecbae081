/** A thread that parses rule files: what runs inside. Who hands it files is `parse-in-threads.ts`. */
import { enableCompileCache } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import type { RuleSlice } from '@tocsin/detect/judge';
import { importQuickly } from '../quick-imports.ts';
import { type RuleBytes, ruleText } from './rule-bytes.ts';

/** What a thread is started with. */
export interface ParseBoot {
  /** Folder in which Node keeps compiled code (`enableCompileCache`); undefined where it keeps none. */
  readonly codeFolder: string | undefined;
}

/** Answer to each list of files, in order; undefined where they do not stand alone. */
export type ParseAnswer = RuleSlice | undefined;

const { codeFolder } = workerData as ParseBoot;
if (codeFolder !== undefined) enableCompileCache(codeFolder);
importQuickly();
// Behind the lines above, which are for what is loaded from there on.
const { parseSlice } = await import('@tocsin/detect/parse');

parentPort?.on('message', (files: readonly RuleBytes[]) => {
  const slice: ParseAnswer = parseSlice(files.map(ruleText));
  parentPort?.postMessage(slice, slice === undefined ? [] : [slice.encoded.buffer]);
});
