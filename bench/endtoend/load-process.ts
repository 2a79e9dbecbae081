/** The generator as a child: commands in, one account of each second out. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { root } from '../clone.ts';
import type { GeneratorCommand, GeneratorPlan, GeneratorSecond } from './run-ledger.ts';

/** A running generator. Disposing ends it. */
export interface LoadProcess extends AsyncDisposable {
  /** From now on so many events per second. */
  offer(eventsPerSecond: number): void;
  /** The next second that is over. @throws when it ends by itself */
  next(): Promise<GeneratorSecond>;
  /** Finishes what is under way and leaves the ledger. */
  stop(): Promise<void>;
}

/** Starts it; nothing is offered yet. */
export function startLoad(plan: GeneratorPlan): LoadProcess {
  const child = spawn(process.execPath, [join(root, 'bench', 'endtoend', 'generator.ts')], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const say = (command: GeneratorPlan | GeneratorCommand): void => void child.stdin.write(`${JSON.stringify(command)}\n`);
  say(plan);
  return {
    offer: (offered) => say({ offered }),
    async next() {
      const { value, done } = await lines.next();
      if (done) throw new Error('the load generator ended by itself');
      return JSON.parse(value) as GeneratorSecond;
    },
    async stop() {
      say({ stop: true });
      // Its output must flow for it to end.
      for (let { done } = await lines.next(); !done; ) ({ done } = await lines.next());
      await ended;
    },
    async [Symbol.asyncDispose]() {
      child.kill();
      await ended;
    },
  };
}
