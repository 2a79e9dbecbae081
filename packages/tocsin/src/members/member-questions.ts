/**
 * Which functions of a thread other processes may ask for, every one of them decided upon: what a thread learns to answer is a row here
 * before it compiles.
 */
import type { DetectApi } from '../duties/detect-api.ts';
import type { StoreApi } from '../duties/store-api.ts';

const STORE: Readonly<Record<keyof StoreApi, boolean>> = {
  listAlerts: true,
  getAlert: true,
  countAlerts: true,
  alertsReached: true,
  framesReached: true,
  coverageReached: true,
  sourceTotals: true,
  totals: true,
  progress: true,
  kept: true,
  oldest: true,
  forget: true,
  recent: true,
  after: true,
  coverage: true,
  seenMappings: true,
  missed: true,
  catchUpStart: true,
  rebuild: true,
  // A process stops its own threads.
  stop: false,
};

const DETECT: Readonly<Record<keyof DetectApi, boolean>> = {
  rules: true,
  cost: true,
  costs: true,
  explain: true,
  fieldsSeen: true,
  coverage: true,
  routing: true,
  ruleVersions: true,
  catchUpScope: true,
  check: true,
  reached: true,
  settled: true,
  folds: true,
  foldedTo: true,
  // Rules of files are a process's own; what all of them share goes over CHANGES.
  shareRules: false,
  stop: false,
};

/** Questions to a store, and to whoever matches or correlates. */
export const STORE_QUESTIONS: ReadonlySet<string> = namesOf(STORE);
export const DETECT_QUESTIONS: ReadonlySet<string> = namesOf(DETECT);

function namesOf(table: Readonly<Record<string, boolean>>): Set<string> {
  return new Set(Object.keys(table).filter((name) => table[name] === true));
}
