/**
 * The form of a command: help, shell completion and the reference page come from it. A command gets what it may touch
 * as an argument: terminal, API, environment; it opens neither store nor bus.
 */
import { TocsinError } from '@tocsin/core';
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
  /** What is typed to run this program where that is not `tocsin`. */
  readonly program?: string | undefined;
  /** Folder in which the data folder lies where none is named; where absent, `cwd`. */
  readonly home?: string | undefined;
  /** False where NO_COLOR is set or the terminal is dumb. */
  readonly colour: boolean;
  readonly stdin: AsyncIterable<Uint8Array>;
  /** Value of an environment variable, for `${env:NAME}` in a settings file. */
  readonly variable: (name: string) => string | undefined;
}

/** What a running command works with. */
export interface CommandContext {
  readonly terminal: Terminal;
  readonly environment: Environment;
  /** Version of this program. */
  readonly version: string;
  /** The installation to talk to; found when first used. @throws api.unreachable, auth.missing */
  readonly api: () => Promise<ApiClient>;
  /** The installation to talk to, where one runs or an address was given; undefined where not. @throws auth.missing */
  readonly running: () => Promise<ApiClient | undefined>;
  /** Folder of the installation's data. */
  readonly dataDir: string;
  /** Aborted when the person interrupts, or when nobody reads the output any more. */
  readonly interrupted: AbortSignal;
  /** Calls back whenever the process is asked to read its settings again; the function it gives back ends that. */
  readonly onReload: (listener: () => void) => () => void;
}

/** Options as given, by name; those that may be given several values are lists. */
export type GivenOptions = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

/** One command. `name` may hold a second word: `alerts ack`. */
export interface Command {
  readonly name: string;
  /** As commander writes them: `<id>`, `[file...]`. */
  readonly argument?: string | undefined;
  readonly summary: string;
  readonly options?: readonly CommandOption[] | undefined;
  /** Whole command lines, for help and for the tests that run them. */
  readonly examples: readonly string[];
  /** True for what goes on when nobody reads its output any more: a server. */
  readonly outlivesOutput?: boolean | undefined;
  /** Resolves with the exit code. */
  readonly run: (context: CommandContext, args: readonly string[], options: GivenOptions) => Promise<number>;
}

/** An option's text; undefined where it is not given. */
export function textOption(options: GivenOptions, name: string): string | undefined {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
}

/** An option's values; none where it is not given. */
export function listOption(options: GivenOptions, name: string): readonly string[] {
  const value = options[name];
  return Array.isArray(value) ? (value as readonly string[]) : [];
}

/** A whole number within bounds; undefined where it is not given. @throws cli.bad_option */
export function numberOption(options: GivenOptions, name: string, bounds: { min: number; max: number }): number | undefined {
  const given = textOption(options, optionKey(name));
  if (given === undefined) return undefined;
  const value = /^\d{1,15}$/.test(given) ? Number(given) : Number.NaN;
  if (value >= bounds.min && value <= bounds.max) return value;
  throw new TocsinError('cli.bad_option', { option: `--${name}`, given, wants: `a whole number from ${bounds.min} to ${bounds.max}` });
}

/** `demo-seconds` as commander keys it: `demoSeconds`. */
function optionKey(name: string): string {
  return name.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** One of a few words; undefined where it is not given. @throws cli.bad_option */
export function choiceOption<T extends string>(given: string | undefined, name: string, choices: readonly T[]): T | undefined {
  if (given === undefined) return undefined;
  const found = choices.find((choice) => choice === given);
  if (found !== undefined) return found;
  throw new TocsinError('cli.bad_option', { option: name, given, wants: `one of ${choices.join(', ')}` });
}
