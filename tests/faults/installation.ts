/**
 * An installation under test: data folder with its settings and the planted rules, the running program, and the few calls to its API that a
 * run needs. Survives kills: `run` is always the newest start.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type BusAccess, embeddedAccess, openAccess } from './bus-access.ts';
import { type BusProcess, startBusProcess } from './bus-process.ts';
import { type FaultyLink, openFaultyLink } from './faulty-link.ts';
import { disturbFsync, type FsyncFault } from './fsync-fault.ts';
import { plantedRules } from './planted-events.ts';
import {
  busPid,
  killBus,
  killNow,
  killTocsin,
  launch,
  stopTocsin,
  type TocsinOptions,
  type TocsinRun,
  waitReady,
} from './tocsin-process.ts';
import type { Volume } from './volume.ts';
import { waitFor } from './wait-for.ts';

/** How it is set up. */
export type InstallationOptions = {
  /** Path of `main.js`; the built one by default. */
  readonly program?: string | undefined;
  /** Where its folder is made; the system's temporary folder by default. */
  readonly parent?: string | undefined;
  /** Where its folder is made so that it can lose power; the caller disposes it after the installation. */
  readonly volume?: Volume | undefined;
  /** Whether its bus is a nats-server of the run's own behind a faulty link; the embedded one by default, which nothing stands in front of. */
  readonly hasBusLink?: boolean | undefined;
  /** Whether its clock can be set. */
  readonly hasClock?: boolean | undefined;
  /** Silence after which a source is idle. Default 10s. */
  readonly idleAfter?: string | undefined;
  /** Lines for `tocsin.yml` under `bus:`. */
  readonly bus?: readonly string[] | undefined;
  readonly run?: Pick<TocsinOptions, 'output' | 'args'> | undefined;
};

/** A started installation. Disposing kills what runs and removes the folder. */
export interface Installation extends AsyncDisposable {
  readonly dataDir: string;
  readonly url: string;
  readonly run: TocsinRun;
  /** Kills the program, or both at once, and starts it again on the same folder; resolves when it takes events. */
  killAndRestart(also?: 'and its nats-server'): Promise<void>;
  /** Kills its nats-server alone, as soon as there is one. */
  killBus(): Promise<void>;
  /** Cuts the power of its volume, kills both, restores the power and starts again. @throws without a volume */
  losePower(): Promise<void>;
  /** SIGSTOP, and SIGCONT after so many milliseconds. */
  pause(which: 'nats-server' | 'tocsin', forMs: number): Promise<void>;
  /** Makes the fsync calls of its nats-server slow or fail for so many milliseconds. */
  disturbFsync(fault: FsyncFault, forMs: number): Promise<void>;
  /** Sets its clock by so many milliseconds, and back after a while. @throws where its clock cannot be set */
  stepClock(byMs: number, forMs: number): Promise<void>;
  /** The network between producers and the program. */
  readonly link: FaultyLink;
  /** The network between the program and its bus. @throws where there is none */
  busLink(): FaultyLink;
  /** A way to its bus that no fault touches. */
  readonly bus: BusAccess;
  /** Starts it again after it has ended. */
  restart(): Promise<void>;
  /** Registers a source and answers its token. */
  addSource(name: string): Promise<string>;
  /** Resolves when every stored event is judged and its alerts are visible. @throws after a minute without that */
  settle(): Promise<void>;
  /** Any call to the API as the operator. */
  call(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }>;
}

/** Sets up a folder and starts the program on it. */
export async function openInstallation(options: InstallationOptions = {}): Promise<Installation> {
  const parent = mkdtempSync(join(options.volume?.path ?? options.parent ?? tmpdir(), 'tocsin-faults-'));
  const dataDir = join(parent, 'data');
  const rules = join(parent, 'rules');
  mkdirSync(dataDir, { mode: 0o700 });
  mkdirSync(rules);
  writeFileSync(join(rules, 'planted.yml'), plantedRules);
  const external = options.hasBusLink === true ? await openExternalBus(parent) : undefined;
  const toBus = external && [`external: { servers: ["nats://127.0.0.1:${external.link.port}"], durability: fsync }`];
  writeFileSync(join(dataDir, 'tocsin.yml'), settingsText(rules, { ...options, bus: toBus ?? options.bus }));
  const clock = options.hasClock === true ? join(parent, 'clock') : undefined;
  if (clock !== undefined) writeFileSync(clock, '0');
  options.volume?.sync();
  const start = { ...options.run, dataDir, clock, ...(options.program === undefined ? {} : { program: options.program }) };
  let run = launch(start);
  let url = '';
  let busKills = 0;

  const ready = async (): Promise<void> => void (url = await waitReady(dataDir, run));
  // A start whose nats-server is killed, or cannot be reached, ends with an error; whoever keeps services running starts it again, and so does this.
  const startAgain = async (): Promise<void> => {
    for (let isUp = false; !isUp; ) {
      const killsBefore = busKills;
      run = launch(start);
      try {
        await ready();
        isUp = true;
      } catch (error) {
        await killTocsin(run);
        const hadNoBus = busKills !== killsBefore || (external !== undefined && run.said().includes('[bus.unavailable]'));
        if (!hadNoBus) throw error;
      }
    }
  };
  const call: Installation['call'] = async (method, path, body) => {
    const headers = { authorization: `Bearer ${operatorToken(dataDir)}`, 'content-type': 'application/json' };
    try {
      const answer = await fetch(`${url}/api/v1${path}`, {
        method,
        headers,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: answer.status, body: await answer.json() };
    } catch (cause) {
      throw new Error(`${method} ${path} was not answered; tocsin said:\n${run.said().slice(-4000)}`, { cause });
    }
  };
  const link = await openFaultyLink(() => url);
  const pidOfBus = (): number | undefined => (external === undefined ? busPid(dataDir) : external.server.pid);
  const remove = async (): Promise<void> => {
    await link[Symbol.asyncDispose]();
    await killTocsin(run);
    await busGone(dataDir);
    await external?.link[Symbol.asyncDispose]();
    await external?.server[Symbol.asyncDispose]();
    rmSync(parent, { recursive: true, force: true });
  };
  try {
    await ready();
  } catch (error) {
    await remove();
    throw error;
  }
  return {
    dataDir,
    get url() {
      return url;
    },
    get run() {
      return run;
    },
    async killAndRestart(also) {
      const bus = also === undefined ? undefined : pidOfBus();
      if (bus !== undefined) killNow(bus);
      await killTocsin(run);
      if (also !== undefined) await external?.server.killAndRestart();
      await startAgain();
    },
    async killBus() {
      if (external === undefined) return killBus(dataDir, () => busKills++);
      busKills++;
      await external.server.killAndRestart();
    },
    async losePower() {
      if (options.volume === undefined) throw new Error('only an installation on a volume can lose power');
      const bus = busPid(dataDir);
      options.volume.cutPower();
      busKills++;
      if (bus !== undefined) killNow(bus);
      await killTocsin(run);
      // Waits for both to let go of the volume.
      await options.volume.restorePower();
      await startAgain();
    },
    async pause(which, forMs) {
      const pid = which === 'tocsin' ? run.child.pid : pidOfBus();
      if (pid === undefined) return;
      signal(pid, 'SIGSTOP');
      await delay(forMs); // the pause itself
      signal(pid, 'SIGCONT');
    },
    async disturbFsync(fault, forMs) {
      const pid = pidOfBus();
      if (pid !== undefined) await disturbFsync(pid, fault, forMs);
    },
    async stepClock(byMs, forMs) {
      if (clock === undefined) throw new Error('only an installation opened with a clock can have it set');
      writeFileSync(clock, String(byMs));
      await delay(forMs); // the fault itself
      writeFileSync(clock, '0');
    },
    link,
    busLink() {
      if (external === undefined) throw new Error('only an installation on an external bus has a link to it');
      return external.link;
    },
    bus: external === undefined ? embeddedAccess(dataDir) : openAccess(external.server.port),
    restart: startAgain,
    async addSource(name) {
      const { status, body } = await call('POST', '/sources', { name, format: 'auto' });
      const { token } = body as { token?: string };
      if (token === undefined) throw new Error(`adding source ${name}: ${status} ${JSON.stringify(body)}`);
      return token;
    },
    async settle() {
      await waitFor(
        async () => {
          const { status, body } = await call('POST', '/settle', { waitMs: 20_000 });
          return status === 200 && (body as { settled: boolean }).settled ? true : undefined;
        },
        { what: () => `every event to be judged; tocsin said:\n${run.said().slice(-4000)}`, withinMs: 60_000 },
      );
    },
    call,
    [Symbol.asyncDispose]: remove,
  };
}

async function openExternalBus(folder: string): Promise<{ server: BusProcess; link: FaultyLink }> {
  const server = await startBusProcess(folder);
  return { server, link: await openFaultyLink(() => `nats://127.0.0.1:${server.port}`) };
}

/** The server ends with its parent, or by the parent's next start. */
async function busGone(dataDir: string): Promise<void> {
  await waitFor(() => (busPid(dataDir) === undefined ? true : undefined), {
    what: () => 'nats-server to follow its parent',
    withinMs: 20_000,
  });
}

/** That the process has ended by itself is no error. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Stops an installation in order. Resolves with its exit code, or the signal's name. */
export function stopInstallation(installation: Installation): Promise<number | string> {
  return stopTocsin(installation.run);
}

function settingsText(rules: string, { bus = [], idleAfter = '10s' }: InstallationOptions): string {
  const lines = [
    'rules:',
    '  shipped: false',
    `  folders: [${JSON.stringify(rules)}]`,
    'log: { level: warn }',
    `detect: { idleAfter: ${idleAfter} }`,
  ];
  if (bus.length > 0) lines.push('bus:', ...bus.map((line) => `  ${line}`));
  return `${lines.join('\n')}\n`;
}

function operatorToken(dataDir: string): string {
  return readFileSync(join(dataDir, 'tokens', 'operator.token'), 'utf8').trim();
}
