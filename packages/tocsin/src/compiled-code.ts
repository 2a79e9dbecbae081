/** The folder of compiled code that this process keeps (`cli/code-cache.ts`), for threads that begin: each has to ask for it before it loads anything. */
import { getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';

/** What `enableCompileCache` was given in this thread; undefined where nothing is kept. Node tells the folder of its own version within that one. */
export function compiledCodeFolder(): string | undefined {
  const folder = getCompileCacheDir();
  return folder && dirname(folder);
}
