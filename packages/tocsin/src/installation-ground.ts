/** What the parts of a process are opened with: bus, scope, surroundings. */
import { createUlidGenerator, type Scope, systemClock } from '@tocsin/core';
import type { Tls } from './api/listen.ts';
import type { Reload } from './config/reload.ts';
import type { InstallationBus } from './duties/installation-bus.ts';
import type { RunningListener } from './duties/start-listeners.ts';
import type { InstallationOptions } from './installation-options.ts';
import type { Surroundings } from './wire.ts';

/** What the parts of the main thread are opened with. */
export interface InstallationGround {
  readonly startedMs: number;
  readonly bus: InstallationBus;
  readonly scope: Scope;
  readonly around: Surroundings;
  readonly tls: Tls | undefined;
  /** Filled once the intake they emit into is there. */
  readonly listeners: RunningListener[];
  /** Parts that take settings over while they run, in the order in which they are asked; filled as they are opened. */
  readonly reloads: Reload[];
}

/** Surroundings of the main thread: what it waits for ends when the scope closes. */
export function mainSurroundings({ logger }: InstallationOptions, scope: Scope): Surroundings {
  return {
    clock: systemClock,
    nextId: createUlidGenerator(systemClock),
    onTrouble: (error, what, about) => logger.warn({ err: error, ...about }, what),
    signal: scope.signal,
    giveUp: scope.signal,
  };
}
