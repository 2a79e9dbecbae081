/** Which commands are loaded for a command line: all of them, or the one that is named where it is used over files, where a start of half a second would be felt. */
import type { Command } from './command.ts';

/** Commands of one word that are loaded alone. */
const ALONE: Readonly<Record<string, () => Promise<Command>>> = {
  hunt: async () => (await import('./commands/hunt.ts')).hunt,
};

/** The commands among which this command line finds its own. */
export async function commandsFor(argv: readonly string[]): Promise<readonly Command[]> {
  const [first = ''] = argv;
  const load = Object.hasOwn(ALONE, first) ? ALONE[first] : undefined;
  return load === undefined ? (await import('./commands.ts')).commands : [await load()];
}
