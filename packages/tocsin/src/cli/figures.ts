/** Numbers, times and sizes as people read them. */

const BYTE_STEPS = ['B', 'KB', 'MB', 'GB', 'TB'];
const AGE_STEPS: readonly (readonly [unit: string, ms: number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
];

/** 13003 → `13,003`. */
export function sayCount(count: number): string {
  // Without Intl, whose tables take longer to load than most commands to run.
  return String(Math.round(count)).replace(/\B(?=(?:\d{3})+$)/g, ',');
}

/** A number with its noun: `1 alert`, `2 alerts`. */
export function sayMany(count: number, noun: string): string {
  return `${sayCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** 1536000 → `1.5 MB`, powers of 1000. */
export function sayBytes(bytes: number): string {
  let rest = bytes;
  let step = 0;
  while (rest >= 999.5 && step < BYTE_STEPS.length - 1) {
    rest /= 1000;
    step += 1;
  }
  return `${step > 0 && rest < 10 ? rest.toFixed(1) : Math.round(rest)} ${BYTE_STEPS[step]}`;
}

/** A span in its largest fitting unit: 90 → `90 ms`, 4200 → `4.2 s`, 7200000 → `2 h`. */
export function saySpan(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const [unit, size] = AGE_STEPS.find(([, each]) => ms >= each) ?? ['s', 1000];
  return `${Math.floor(ms / size)} ${unit}`;
}

/** Milliseconds since 1970 as ISO 8601 in UTC without fractions: `2026-01-02 03:04:05Z`. What is no time is said to be none. */
export function sayTime(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? 'no time' : `${date.toISOString().slice(0, 19).replace('T', ' ')}Z`;
}
