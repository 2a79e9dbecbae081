/** The form of one check of `tocsin doctor`. Checks look; none changes anything. */

/** How a check came out. */
export interface Finding {
  /** What was looked at. */
  readonly name: string;
  readonly state: 'good' | 'bad' | 'unknown';
  /** What was found. */
  readonly found: string;
  /** What to do, where something is bad. */
  readonly remedy?: string | undefined;
}

/** A finding without fault. */
export function good(name: string, found: string): Finding {
  return { name, state: 'good', found };
}

/** A finding that needs something done. */
export function bad(name: string, found: string, remedy: string): Finding {
  return { name, state: 'bad', found, remedy };
}

/** Something that could not be looked at, which is no fault by itself. */
export function unknown(name: string, found: string): Finding {
  return { name, state: 'unknown', found };
}
