/** Runs the load generator as a process of its own. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { root } from './clone.ts';
import type { LoadPlan, LoadResult } from './load-plan.ts';

/** Carries a plan out. */
export async function generateLoad(plan: LoadPlan): Promise<LoadResult> {
  const child = spawn(process.execPath, [join(root, 'bench', 'load.ts')], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(JSON.stringify(plan));
  const answer = await text(child.stdout);
  if (answer === '') throw new Error('the load generator ended without a result');
  return JSON.parse(answer) as LoadResult;
}
