/**
 * The command line: commands from the table, options that all share, errors turned into one line and an exit code.
 */
import { resolve } from 'node:path';
import { isTocsinError, TocsinError } from '@tocsin/core';
import { Command as Commander, CommanderError } from 'commander';
import { isRunning, OPERATOR, readRunFile, readToken } from '../state/run-file.ts';
import { ApiClient, ApiError } from './api-client.ts';
import { type Command, type CommandContext, type Environment, type GivenOptions, textOption } from './command.ts';
import { loadCommands } from './commands.ts';
import { asTyped, type Screen, Terminal } from './terminal.ts';
import { visibleLines } from './visible-text.ts';

/** What the command line is given by the process. */
export interface ProgramInput {
  readonly argv: readonly string[];
  readonly environment: Environment;
  readonly out: Screen;
  readonly err: Screen;
  /** Aborted when the person interrupts. */
  readonly interrupted: AbortSignal;
  /** As `CommandContext` has it; nobody asks where absent. */
  readonly onReload?: CommandContext['onReload'] | undefined;
  /** Aborted when nobody reads the output any more. */
  readonly outputClosed: AbortSignal;
  readonly version: string;
}

/** Exit codes that are not an error's own: of sysexits.h, and 128 + signal number. */
const EXIT_USAGE = 64;
const EXIT_BUG = 70;
const EXIT_INTERRUPTED = 130;
const EXIT_OUTPUT_CLOSED = 141;

/** Runs one command line; resolves with the exit code. Never throws. */
export async function runProgram(input: ProgramInput): Promise<number> {
  const argv = [...input.argv];
  let code = 0;
  try {
    const commands = await loadCommands(firstWord(argv));
    const program = createProgram(input, commands, async (command, args, options) => {
      const context = createContext(input, command, options);
      code = await command.run(context, args, options);
    });
    if (argv.length === 0) program.outputHelp();
    else await program.parseAsync(argv, { from: 'user' });
    return code;
  } catch (error) {
    return tellError(error, input);
  }
}

const START_WITH = '\nStart with: tocsin up          In another terminal: tocsin status, tocsin publish FILE, tocsin tail alerts';

/** Options that all share, with a value of their own behind them. */
const WITH_VALUE: ReadonlySet<string> = new Set(['--data', '--url', '--token']);

/** The word that says which command is meant; undefined where none is there. */
function firstWord(argv: readonly string[]): string | undefined {
  return argv.find((word, i) => !word.startsWith('-') && !WITH_VALUE.has(argv[i - 1] ?? ''));
}

type Run = (command: Command, args: readonly string[], options: GivenOptions) => Promise<void>;

function createProgram(input: ProgramInput, commands: readonly Command[], run: Run): Commander {
  const program = new Commander('tocsin');
  program
    .description('Real-time security event bus: durable events, Sigma detection, alerts with their evidence.')
    .version(input.version)
    .option('--json', 'print JSON instead of text')
    .option('--data <dir>', 'folder of the installation (default: TOCSIN_DATA, else tocsin-data here, or in the clone)')
    .option('--url <url>', 'where the installation listens (default: TOCSIN_URL, else what runs in the data folder)')
    .option('--token <token>', 'credential (default: TOCSIN_TOKEN, which others cannot see, else the one in the data folder)')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => input.out.write(text),
      writeErr: (text) => input.err.write(visibleLines(text)),
      outputError: (text, write) => write(text.replace(/^error: /, 'tocsin: ')),
      getOutHasColors: () => false,
    })
    .showHelpAfterError('(add --help for what can be typed here)')
    .showSuggestionAfterError()
    .addHelpText('after', asTyped(START_WITH, input.environment.program ?? 'tocsin'));
  for (const command of commands) addCommand(program, command, { run, typedAs: input.environment.program ?? 'tocsin' });
  return program;
}

function addCommand(program: Commander, command: Command, { run, typedAs }: { run: Run; typedAs: string }): void {
  const words = command.name.split(' ');
  const leaf = words.pop() ?? '';
  const parent = words.reduce((node, word) => node.commands.find((each) => each.name() === word) ?? node.command(word), program);
  const node = parent.command(leaf).description(command.summary);
  if (command.argument) node.arguments(command.argument);
  for (const option of command.options ?? []) node.option(option.flags, option.about, option.fallback);
  // Shared options are understood after the command, too, where people type them.
  for (const flags of ['--json', '--data <dir>', '--url <url>', '--token <token>']) node.addOption(node.createOption(flags).hideHelp());
  node.addHelpText('after', `\nExamples:\n${command.examples.map((example) => `  $ ${asTyped(example, typedAs)}`).join('\n')}`);
  node.action(async () => run(command, node.args, node.optsWithGlobals()));
}

function createContext(input: ProgramInput, command: Command, options: GivenOptions): CommandContext {
  const { environment, interrupted, outputClosed } = input;
  const named = textOption(options, 'data') ?? environment.dataDir;
  // What somebody types is meant from where he stands; the default stays where it is, wherever in a clone he stands.
  const dataDir = named === undefined ? resolve(environment.home ?? environment.cwd, 'tocsin-data') : resolve(environment.cwd, named);
  const given = { url: textOption(options, 'url') ?? environment.url, token: textOption(options, 'token') ?? environment.token };
  return {
    terminal: new Terminal({
      out: input.out,
      err: input.err,
      json: options['json'] === true,
      colour: environment.colour,
      program: environment.program,
    }),
    environment,
    version: input.version,
    dataDir,
    onReload: input.onReload ?? (() => () => undefined),
    interrupted: command.outlivesOutput ? interrupted : AbortSignal.any([interrupted, outputClosed]),
    api: () => findApi(dataDir, given),
    running: async () => (given.url === undefined && !(await isRunning(dataDir)) ? undefined : findApi(dataDir, given)),
  };
}

async function findApi(dataDir: string, given: { url: string | undefined; token: string | undefined }): Promise<ApiClient> {
  const run = given.url === undefined ? await readRunFile(dataDir) : undefined;
  const url = given.url ?? run?.url;
  if (url === undefined) throw new TocsinError('api.unreachable', { url: dataDir, reason: 'nothing runs on this data folder' });
  if (!URL.canParse(url) || !/^https?:/.test(url))
    throw new TocsinError('cli.bad_option', { option: '--url', given: url, wants: 'an address such as http://127.0.0.1:7514' });
  const token = given.token ?? (await readToken(dataDir, OPERATOR));
  if (token === undefined) throw new TocsinError('auth.missing', {});
  return new ApiClient({ url, token, certificate: run?.certificate });
}

function tellError(error: unknown, input: ProgramInput): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE;
  // Whoever closed the output or interrupted knows why it ended.
  if (input.outputClosed.aborted) return EXIT_OUTPUT_CLOSED;
  if (input.interrupted.aborted) return EXIT_INTERRUPTED;
  const { code, exit, text } = explain(error);
  if (input.argv.includes('--json')) input.err.write(`${JSON.stringify({ error: { code, message: text } })}\n`);
  else
    input.err.write(
      `tocsin: ${asTyped(visibleLines(text), input.environment.program ?? 'tocsin')}${exit === EXIT_BUG ? '' : ` [${code}]`}\n`,
    );
  return exit;
}

/** An error by its code; of what has none, which is a fault of this program, everything that helps to find it. */
function explain(error: unknown): { code: string; exit: number; text: string } {
  if (isTocsinError(error)) return { code: error.code, exit: error.row.exit, text: error.message };
  if (error instanceof ApiError) return { code: error.code, exit: error.exit, text: error.message };
  return { code: 'api.internal', exit: EXIT_BUG, text: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}
