/** Runs one command of the check to its end and keeps what it printed. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { root } from './source-files.ts';

/** How a command ended. */
export interface CommandResult {
  readonly code: number;
  /** stdout and stderr as they came. */
  readonly output: string;
  readonly stdout: string;
}

/** Runs a JavaScript program of node_modules on this Node; `program` is its path under node_modules. */
export function runPackage(program: string, args: readonly string[]): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'node_modules', program), ...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    const all: Buffer[] = [];
    const out: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => {
      all.push(chunk);
      out.push(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => all.push(chunk));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, output: Buffer.concat(all).toString(), stdout: Buffer.concat(out).toString() }));
  });
}
