/**
 * Settings that are read again while everything runs: which have changed, which of them can be taken over then, and who takes them over. All or nothing:
 * where the rules cannot be taken, nothing is.
 */
import type { InstallationSettings } from './settings.ts';

/** A part of an installation that takes settings over while it runs. */
export interface Reload {
  /** Beginnings of the settings' paths that it takes over, such as `quotas.`. */
  readonly paths: readonly string[];
  /** Takes them over. A rejection leaves everything as it was. */
  readonly apply: (settings: InstallationSettings) => Promise<void> | void;
}

/** What became of settings that were read again. */
export interface ReloadReport {
  /** Settings that are in force now and were not before. */
  readonly applied: readonly string[];
  /** Settings that have changed and are in force after a restart only. */
  readonly needRestart: readonly string[];
}

/** The level of the log. */
export function logReload({ logger }: { readonly logger: { level: string } }): Reload {
  return {
    paths: ['log.level'],
    apply: ({ log }) => void (logger.level = log.level),
  };
}

/** Takes over what can be; each call is compared with what the one before it had. */
export class Reloader {
  readonly #parts: readonly Reload[];
  #inForce: InstallationSettings;
  #work: Promise<unknown> = Promise.resolve();

  /** What can fail is the first of the parts. */
  constructor(settings: InstallationSettings, parts: readonly Reload[]) {
    this.#inForce = settings;
    this.#parts = parts;
  }

  /** One at a time, in order. @throws what the first part throws, with nothing taken over */
  reload(settings: InstallationSettings): Promise<ReloadReport> {
    const report = this.#work.then(() => this.#reload(settings));
    this.#work = report.catch(() => 'told to whoever asked');
    return report;
  }

  async #reload(settings: InstallationSettings): Promise<ReloadReport> {
    const changed = changedPaths(this.#inForce, settings);
    const taken = (path: string): boolean => this.#parts.some(({ paths }) => paths.some((begins) => path.startsWith(begins)));
    // Files that settings name may have changed where the settings have not: every part is asked.
    for (const part of this.#parts) await part.apply(settings);
    this.#inForce = settings;
    return { applied: changed.filter(taken), needRestart: changed.filter((path) => !taken(path)) };
  }
}

/** Paths of everything that differs, such as `quotas.burst`; a list differs as a whole. */
export function changedPaths(before: unknown, after: unknown, at = ''): string[] {
  if (!isGroup(before) || !isGroup(after)) return JSON.stringify(before) === JSON.stringify(after) ? [] : [at];
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names.flatMap((name) => changedPaths(before[name], after[name], at === '' ? name : `${at}.${name}`));
}

function isGroup(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
