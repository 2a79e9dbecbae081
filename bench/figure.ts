/** What a bench reports: figures with the conditions they hold under, and what a bench is. */

/** One measured figure. Conditions are part of it: without them it says nothing. */
export interface Figure {
  /** Such as `ingest, all duties, 1 source, closed loop`. */
  readonly figure: string;
  readonly value: number;
  readonly unit: string;
  /** What is aimed at; shown beside the value, never asserted. */
  readonly goal?: { readonly atLeast: number } | { readonly atMost: number } | undefined;
  readonly conditions: Readonly<Record<string, string | number>>;
}

/** What benches are given. */
export interface BenchContext {
  /** Folder on the disk that is measured, empty at first; removed afterwards. */
  readonly folder: string;
  readonly natsServer: string | undefined;
  /** Shows what is going on; the next text replaces it. */
  readonly progress: (text: string) => void;
}

/** A bench: at most about a minute. Throws where the counts of the benched path do not add up. */
export interface Bench {
  readonly about: string;
  run(context: BenchContext): Promise<Figure[]>;
}

/** A bench whose counts do not add up: what it would report is worthless. */
export class CountMismatch extends Error {
  constructor(what: string, counts: { readonly expected: number; readonly found: number }) {
    super(`${what}: expected ${counts.expected}, found ${counts.found}; the bench's figures would be worthless, none are reported`);
  }
}

/** Refuses figures whose counts differ. @throws CountMismatch */
export function requireEqual(what: string, expected: number, found: number): void {
  if (expected !== found) throw new CountMismatch(what, { expected, found });
}

/** Whether a figure reaches its goal; undefined where it has none. */
export function reaches({ value, goal }: Figure): boolean | undefined {
  if (goal === undefined) return undefined;
  return 'atLeast' in goal ? value >= goal.atLeast : value <= goal.atMost;
}

/** Value below which `share` (0 … 1) of the samples lie; nearest rank. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? Number.NaN;
}
