/**
 * The command line: commands from the table, options that all share, errors turned into one line and an exit code.
 */
import { isTocsinError, TocsinError } from '@tocsin/core';
import { CommanderError, Command as Commander } from 'commander';
import { ApiClient, ApiError } from './api-client.ts';
import type { Command, CommandContext, Environment, GivenOptions } from './command.ts';
import { commands } from './commands.ts';
import { OPERATOR, readRunFile, readToken } from './run-file.ts';
import { type Screen, Terminal, visible } from './terminal.ts';

/** What the command line is given by the process. */
export interface ProgramInput {
  readonly argv: readonly string[];
  readonly environment: Environment;
  readonly out: Screen;
  readonly err: Screen;
  readonly interrupted: AbortSignal;
  readonly version: string;
}

/** Exit codes of sysexits.h that are not an error's own. */
const EXIT_USAGE = 64;
const EXIT_BUG = 70;
const EXIT_INTERRUPTED = 130;

/** Runs one command line; resolves with the exit code. Never throws. */
export async function runProgram(input: ProgramInput): Promise<number> {
  let code = 0;
  const program = new Commander('tocsin');
  program
    .description('Real-time security event bus: durable events, Sigma detection, alerts with their evidence.')
    .version(input.version)
    .option('--json', 'print JSON instead of text')
    .option('--data <dir>', 'folder of the installation (default: TOCSIN_DATA, else ./tocsin-data)')
    .option('--url <url>', 'where the installation listens (default: TOCSIN_URL, else what runs in the data folder)')
    .option('--token <token>', 'credential (default: TOCSIN_TOKEN, else the one in the data folder)')
    .exitOverride()
    .configureOutput({ writeOut: (text) => input.out.write(text), writeErr: (text) => input.err.write(text) })
    .showHelpAfterError('(add --help for what can be typed here)');
  for (const command of commands) {
    addCommand(program, command, async (args, options) => {
      code = await command.run(createContext(input, options), args, options);
    });
  }
  try {
    await program.parseAsync([...input.argv], { from: 'user' });
    return code;
  } catch (error) {
    return tellError(error, input);
  }
}

function addCommand(program: Commander, command: Command, run: (args: string[], options: GivenOptions) => Promise<void>): void {
  const words = command.name.split(' ');
  const leaf = words.pop() ?? '';
  const parent = words.reduce((node, word) => node.commands.find((each) => each.name() === word) ?? node.command(word), program);
  const node = parent.commands.find((each) => each.name() === leaf) ?? parent.command(leaf);
  node.description(command.summary).exitOverride();
  if (command.argument) node.arguments(command.argument);
  for (const option of command.options ?? []) node.option(option.flags, option.about, option.fallback);
  // Shared options are understood after the command, too, where people type them.
  for (const flags of ['--json', '--data <dir>', '--url <url>', '--token <token>']) node.addOption(node.createOption(flags).hideHelp());
  node.addHelpText('after', `\nExamples:\n${command.examples.map((example) => `  $ ${example}`).join('\n')}`);
  node.action(async (...all: unknown[]) => {
    const self = all.at(-1) as Commander;
    await run(self.args, self.optsWithGlobals());
  });
}

function createContext(input: ProgramInput, options: GivenOptions): CommandContext {
  const { environment } = input;
  const dataDir = text(options['data']) ?? environment.dataDir ?? `${environment.cwd}/tocsin-data`;
  return {
    terminal: new Terminal({ out: input.out, err: input.err, json: options['json'] === true }),
    environment,
    dataDir,
    interrupted: input.interrupted,
    api: () => findApi(dataDir, { url: text(options['url']) ?? environment.url, token: text(options['token']) ?? environment.token }),
  };
}

async function findApi(dataDir: string, given: { url: string | undefined; token: string | undefined }): Promise<ApiClient> {
  const url = given.url ?? (await readRunFile(dataDir))?.url;
  if (url === undefined) throw new TocsinError('api.unreachable', { url: dataDir, reason: 'nothing runs on this data folder' });
  const token = given.token ?? (await readToken(dataDir, OPERATOR));
  if (token === undefined) throw new TocsinError('auth.missing', {});
  return new ApiClient({ url, token });
}

function text(value: string | boolean | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function tellError(error: unknown, input: ProgramInput): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE;
  if (input.interrupted.aborted) return EXIT_INTERRUPTED;
  const json = input.argv.includes('--json');
  const known = isTocsinError(error) ? { code: error.code, exit: error.row.exit } : error instanceof ApiError ? error : undefined;
  const message = error instanceof Error ? error.message : String(error);
  if (json) input.err.write(`${JSON.stringify({ error: { code: known?.code ?? 'api.internal', message } })}\n`);
  else input.err.write(`tocsin: ${visible(known ? message : ((error as Error).stack ?? message)).replaceAll('\\u000a', '\n')}${known ? ` [${known.code}]` : ''}\n`);
  return known?.exit ?? EXIT_BUG;
}
