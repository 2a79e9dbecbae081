/** Which methods each path of the server knows, so that a wrong method is told from a wrong path (RFC 9110, 405). */

/** Paths as routes declare them: segments, of which those that begin with a colon stand for anything. */
export class KnownPaths {
  readonly #routes: { readonly segments: readonly string[]; readonly method: string }[] = [];

  /** A route was added. */
  add(method: string | readonly string[], url: string): void {
    for (const one of typeof method === 'string' ? [method] : method) this.#routes.push({ segments: url.split('/'), method: one });
  }

  /** Methods of a path as asked, in alphabetical order; none where no route has it. */
  methodsOf(path: string): string[] {
    const asked = path.split('/');
    const fits = (segments: readonly string[]): boolean =>
      segments.length === asked.length &&
      segments.every((segment, i) => segment === asked[i] || (segment.startsWith(':') && asked[i] !== ''));
    return [...new Set(this.#routes.filter(({ segments }) => fits(segments)).map(({ method }) => method))].sort();
  }
}
