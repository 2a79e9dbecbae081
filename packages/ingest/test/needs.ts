/**
 * What a test or a suite cannot run without, said where it is left out: every skipped case carries its reason, which `npm test` counts and lists.
 * Unlike `context.skip(reason)` it keeps the hooks of the suite from running, too.
 */
import 'vitest';

declare module 'vitest' {
  interface TaskMeta {
    /** Why the case, or the suite that it stands in, is left out on this machine. */
    skipReason?: string;
  }
}

/** Options of a `test` or `describe`. */
export interface NeedOptions {
  readonly skip: boolean;
  readonly meta: { readonly skipReason?: string };
}

/** Leaves the test or suite out for the first of the reasons that is one: `describe('…', needs(missing), () => …)`. */
export function needs(...reasons: readonly (string | undefined)[]): NeedOptions {
  const reason = reasons.find((each) => each !== undefined);
  return reason === undefined ? { skip: false, meta: {} } : { skip: true, meta: { skipReason: reason } };
}

/** The reason, unless what it is about was found: `needs(unlessFound(rsyslog, 'no rsyslog here'))`. */
export function unlessFound(found: unknown, reason: string): string | undefined {
  return found === undefined || found === false ? reason : undefined;
}
