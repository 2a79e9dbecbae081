/**
 * Finding this program's own modules without asking the file system: of a relative name between built files it is known what it stands for. Node's
 * way, with links followed and packages looked up for each of some hundred modules, takes as long as reading them (docs/performance.md).
 */
import { registerHooks } from 'node:module';

/** Uses it for all that is loaded in this thread from here on; built files only, as sources are not all of one form. */
export function importQuickly(): void {
  const { pathname } = new URL(import.meta.url);
  // Packages of this program lie side by side, each with what was built in `dist`.
  if (!pathname.endsWith('/dist/quick-imports.js')) return;
  const packages = new URL('../../', import.meta.url).href;
  registerHooks({
    resolve: (specifier, context, next) => builtModule(packages, specifier, context.parentURL) ?? next(specifier, context),
  });
}

/** The built module that a relative specifier in one of the packages names; undefined where it is anything else. */
export function builtModule(
  packages: string,
  specifier: string,
  parent: string | undefined,
): { readonly url: string; readonly format: 'module'; readonly shortCircuit: true } | undefined {
  const isRelative = specifier.startsWith('./') || specifier.startsWith('../');
  if (!isRelative || !specifier.endsWith('.js') || parent === undefined || !isBuilt(packages, parent)) return undefined;
  const { href } = new URL(specifier, parent);
  return isBuilt(packages, href) ? { url: href, format: 'module', shortCircuit: true } : undefined;
}

function isBuilt(packages: string, url: string): boolean {
  return url.startsWith(packages) && /^[^/]+\/dist\//.test(url.slice(packages.length));
}
