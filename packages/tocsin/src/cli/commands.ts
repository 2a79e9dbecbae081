/** All commands. Adding one is a file in `commands/` and a row here. */
import type { Command } from './command.ts';

/** Every command, in the order of help. */
export const commands: readonly Command[] = [];
