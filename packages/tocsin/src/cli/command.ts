/**
 * The form of a command: help, shell completion and the reference page come from it. A command gets what it may touch
 * as an argument: terminal, API, environment; it opens neither store nor bus.
 */
import type { ApiClient } from './api-client.ts';
import type { Terminal } from './terminal.ts';

/** An option of a command. */
export interface CommandOption {
  /** As commander writes it: `-n, --limit <count>`. */
  readonly flags: string;
  readonly about: string;
  readonly fallback?: string | undefined;
}

/** What is taken from the process's environment; read once, in `main.ts`. */
export interface Environment {
  readonly url?: string | undefined;
  readonly token?: string | undefined;
  readonly dataDir?: string | undefined;
  readonly natsServer?: string | undefined;
  readonly cwd: string;
}

/** What a running command works with. */
export interface CommandContext {
  readonly terminal: Terminal;
  readonly environment: Environment;
  /** The installation to talk to; found when first used. @throws api.unreachable, auth.missing */
  readonly api: () => Promise<ApiClient>;
  /** Folder of the installation's data. */
  readonly dataDir: string;
  /** Aborted when the person interrupts. */
  readonly interrupted: AbortSignal;
}

/** Options as given, by name. */
export type GivenOptions = Readonly<Record<string, string | boolean | undefined>>;

/** One command. `name` may hold a second word: `alerts ack`. */
export interface Command {
  readonly name: string;
  /** As commander writes them: `<id>`, `[file...]`. */
  readonly argument?: string | undefined;
  readonly summary: string;
  readonly options?: readonly CommandOption[] | undefined;
  /** Whole command lines, for help and for the tests that run them. */
  readonly examples: readonly string[];
  /** Resolves with the exit code. */
  readonly run: (context: CommandContext, args: readonly string[], options: GivenOptions) => Promise<number>;
}
