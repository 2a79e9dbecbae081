/** Units as people write them: durations (`10s`) in milliseconds, sizes (`256KiB`) in bytes, and back. */

const DURATION_UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const BYTE_UNITS = { B: 1, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 } as const;

/** Pattern of a duration: a number and one of ms, s, m, h, d. */
export const DURATION_PATTERN = '^(\\d{1,12}(?:\\.\\d{1,3})?) ?(ms|s|m|h|d)$';
/** Pattern of a size: a number and one of B, KB … (powers of 1000), KiB … (powers of 1024). */
export const BYTES_PATTERN = '^(\\d{1,15}(?:\\.\\d{1,3})?) ?(B|KB|MB|GB|TB|KiB|MiB|GiB|TiB)$';

/** Milliseconds of a duration such as `1.5s`; undefined where it is none, or no whole number of milliseconds. */
export function parseDuration(text: string): number | undefined {
  return parse(text, DURATION_PATTERN, DURATION_UNITS);
}

/** Bytes of a size such as `256KiB`; undefined where it is none, or no whole number of bytes. */
export function parseBytes(text: string): number | undefined {
  return parse(text, BYTES_PATTERN, BYTE_UNITS);
}

/** Shortest exact form of a number of milliseconds: 90000 → `90s`, 120000 → `2m`. */
export function formatDuration(ms: number): string {
  return format(ms, DURATION_UNITS, 'ms');
}

/** Shortest exact form of a number of bytes, in powers of 1024: 1048576 → `1MiB`, 1000 → `1000B`. */
export function formatBytes(count: number): string {
  return format(count, { B: 1, KiB: BYTE_UNITS.KiB, MiB: BYTE_UNITS.MiB, GiB: BYTE_UNITS.GiB, TiB: BYTE_UNITS.TiB }, 'B');
}

function parse(text: string, pattern: string, units: Readonly<Record<string, number>>): number | undefined {
  const [, digits, unit] = new RegExp(pattern).exec(text) ?? [];
  if (digits === undefined || unit === undefined) return undefined;
  const value = Math.round(Number(digits) * (units[unit] ?? 0) * 1_000) / 1_000;
  return Number.isSafeInteger(value) ? value : undefined;
}

function format(value: number, units: Readonly<Record<string, number>>, smallest: string): string {
  if (value === 0) return `0${smallest}`;
  const [unit, size] = Object.entries(units).findLast(([, each]) => value % each === 0) ?? [smallest, 1];
  return `${value / size}${unit}`;
}
