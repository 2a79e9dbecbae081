/**
 * Who may come in from outside, kept true in three places: in memory for the next start of the child, on disk for the next start of ours, and
 * in the running child, by a reload. What the list means is in `producers.ts`.
 */
import type { ConfigReload } from './config-reload.ts';
import { type Producer, producerUser, readProducers, writeProducers } from './producers.ts';
import { type ConfigUser, type ServerConfig, writeServerConfig } from './server-config.ts';
import type { ServerProcess } from './server-process.ts';

/** What the door works with. */
export interface ProducerDoorOptions {
  readonly directory: string;
  readonly configPath: string;
  readonly reload: ConfigReload;
}

/** The door for foreign producers of one server. */
export interface ProducerDoor {
  /** Those that the next child is to be started with. */
  users(): readonly ConfigUser[];
  /** A child is ready, started with this configuration; whoever was let in meanwhile is told to it. */
  started(child: ServerProcess, config: ServerConfig): Promise<void>;
  /** As `NatsServer.setProducers`. */
  set(producers: readonly Producer[]): Promise<void>;
}

/** Opens the door to those of the last run. */
export function openProducerDoor({ directory, configPath, reload }: ProducerDoorOptions): ProducerDoor {
  let users: readonly ConfigUser[] = readProducers(directory).map(producerUser);
  let running: { readonly child: ServerProcess; config: ServerConfig } | undefined;
  let turn: Promise<void> = Promise.resolve();

  const tell = async (): Promise<void> => {
    if (running === undefined || running.child.hasEnded() || running.config.producers === users) return;
    running.config = { ...running.config, producers: users };
    writeServerConfig(configPath, running.config);
    try {
      await reload.ask(running.child);
    } catch (error) {
      // The next child is started with the list as it is by then.
      if (!running.child.hasEnded()) throw error;
    }
  };
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const done = turn.then(work);
    turn = Promise.allSettled([done]).then(() => undefined);
    return done;
  };
  return {
    users: () => users,
    started: (child, config) =>
      inTurn(() => {
        running = { child, config };
        return tell();
      }),
    set: (producers) =>
      inTurn(async () => {
        const wanted = producers.map(producerUser);
        if (JSON.stringify(wanted) === JSON.stringify(users)) return;
        writeProducers(directory, producers);
        users = wanted;
        await tell();
      }),
  };
}
