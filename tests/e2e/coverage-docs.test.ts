/** Every command and every piece of settings in the page about coverage and catch-up is run. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { notRunnable } from '../faults/not-runnable.ts';
import { beat, Program, wordRule } from './program.ts';

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'how-to', 'coverage-and-catch-up.md'), 'utf8');

/** Bodies of the code blocks of one language. */
function blocks(language: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(([, body = '']) => body);
}

test('the commands of the page do what they say, and its settings are valid', async (context) => {
  const missing = notRunnable();
  if (missing !== undefined) context.skip(missing);
  await using program = await Program.start({ rules: { 'other.yml': wordRule('other', 'other') } });
  const token = await program.addSource('vpn');
  await program.post(token, JSON.stringify(beat('login')));
  expect((await program.post(token, '{"broken"')).status).toBe(400);
  await program.settle();
  await program.addRules({ 'night.yml': wordRule('night-login', 'login') });
  const commands = blocks('sh').flatMap((block) => block.trim().split('\n'));
  expect(commands.length).toBeGreaterThan(6);
  const said: string[] = [];
  for (const command of commands) {
    const [name, ...args] = command.split(' ');
    expect(name).toBe('tocsin');
    said.push(await program.commandLine(...args));
    expect(said.at(-1), command).not.toBe('');
  }
  expect(said[0]).toMatch(/night-login|Word login/);
  expect(said[1]).toContain('1 rule not loaded');
  expect(JSON.parse(said[2] ?? '')).toMatchObject({
    lines: [{ rule: 'night-login', source: 'vpn', events: 1, evaluated: 0, notLoaded: 1 }],
    unparsed: [{ source: 'vpn', records: 1 }],
  });
  expect(said[3]).toContain('notLoaded');
  expect(said[4]).toContain('1 event judged again: 1 alert raised.');
  expect(said[5]).toMatch(/operator.*night-login.*done.*1 alert raised/);
  expect(said[6]).toContain('Nothing was missed');
  const audit = await program.commandLine('audit', '--json');
  expect(audit.match(/"resource":"catch-up\//g)).toHaveLength(3);
  expect(await program.commandLine('alerts', '--rule', 'night-login', '--json')).toContain('"origin":"catch-up"');
  const settings = blocks('yaml');
  expect(settings.length).toBeGreaterThan(0);
  for (const [i, text] of settings.entries()) {
    const file = join(program.dataDir, `snippet-${i}.yml`);
    writeFileSync(file, text);
    await program.commandLine('config', 'check', file);
  }
});
