/** Whether the built program can be run here. */
import { existsSync } from 'node:fs';
import { missingNatsServer } from '../nats-server-found.ts';
import { builtProgram } from './tocsin-process.ts';

/** The reason to skip. @throws when the program is not built, which is no reason */
export function notRunnable(): string | undefined {
  if (!existsSync(builtProgram)) throw new Error(`${builtProgram} is not there: npm run build`);
  return missingNatsServer();
}
