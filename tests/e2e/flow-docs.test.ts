/** Every command and every piece of settings in the page about quotas and retention is run. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { notRunnable } from '../faults/not-runnable.ts';
import { Program } from './program.ts';

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'how-to', 'quotas-and-retention.md'), 'utf8');

/** Bodies of the code blocks of one language. */
function blocks(language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(([, body = '']) => body);
}

test('the commands of the page do what they say, and its settings are valid', async (context) => {
  const missing = notRunnable();
  if (missing !== undefined) context.skip(missing);
  await using program = await Program.start({ rules: {} });
  const commands = blocks('sh').flatMap((block) => block.trim().split('\n'));
  expect(commands.length).toBeGreaterThan(5);
  for (const command of commands) {
    const [name, ...args] = command.split(' ');
    expect(name).toBe('tocsin');
    expect(await program.commandLine(...args), command).not.toBe('');
  }
  expect(await program.commandLine('quotas')).toMatch(/web01\s+2,000/);
  const settings = blocks('yaml');
  expect(settings.length).toBeGreaterThan(3);
  for (const [i, text] of settings.entries()) {
    const file = join(program.dataDir, `snippet-${i}.yml`);
    writeFileSync(file, text);
    await program.commandLine('config', 'check', file);
  }
});
