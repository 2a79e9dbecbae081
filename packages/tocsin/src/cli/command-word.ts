/** Which command is meant, before the command line is parsed: what has to be known before anything is loaded. */

/** Options that all share, with a value of their own behind them. */
const WITH_VALUE: ReadonlySet<string> = new Set(['--data', '--url', '--token']);

/** The word that says which command is meant; undefined where none is there. */
export function commandWord(argv: readonly string[]): string | undefined {
  return argv.find((word, i) => !word.startsWith('-') && !WITH_VALUE.has(argv[i - 1] ?? ''));
}
