/** Every command on the page about replays and backtests is run, in order, with the ids that came before; its settings are valid. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { notRunnable } from '../faults/not-runnable.ts';
import { beat, Program, wordRule } from './program.ts';

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'how-to', 'replay-and-backtest.md'), 'utf8');

/** Bodies of the code blocks of one kind. */
function blocks(kind: string): string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${kind}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(([, body = '']) => body);
}

test('the commands of the page do what they say, and its settings are valid', async (context) => {
  const missing = notRunnable();
  if (missing !== undefined) context.skip(missing);
  await using program = await Program.start({ rules: { 'fail.yml': wordRule('5f1f6d0e-2c7a-4d3e-9a76-0a1f3c9b7d11', 'fail') } });
  const token = await program.addSource('edr');
  await program.post(token, JSON.stringify([1, 2, 3].map((round) => beat('fail', { host: 'web01', round }))));
  await program.settle();
  const files = Object.fromEntries(['draft.yml'].map((name) => [name, join(program.dataDir, name)]));
  for (const [name, path] of Object.entries(files)) writeFileSync(path, blocks(`yaml ${name}`)[0] ?? '');
  const commands = blocks('sh').flatMap((block) => block.trim().split('\n'));
  expect(commands.length).toBeGreaterThan(12);
  const newest = async (): Promise<string> =>
    (await program.call<{ replays: { id: string }[] }>('GET', '/replays')).body.replays[0]?.id ?? '';
  const said: Record<string, string> = {};
  for (const command of commands) {
    const id = await newest();
    const alert = command.includes('ALERT')
      ? (await program.call<{ alerts: { id: string }[] }>('GET', `/replays/${id}/alerts`)).body.alerts[0]?.id
      : '';
    const [name, ...args] = command
      .split(' ')
      .map((word) => (word === 'ID' ? id : word === 'ALERT' ? (alert ?? '') : (files[word] ?? word)));
    expect(name).toBe('tocsin');
    said[command] = await program.commandLine(...args);
    expect(said[command], command).not.toBe('');
  }
  expect(said['tocsin replay start --from 2h']).toMatch(/is done: 3 events, 3 matches, 1 alert/);
  expect(said['tocsin alerts --replay ID']).toMatch(/Word fail/);
  expect(said['tocsin replay show ID --follow']).toMatch(/is done: 3 events/);
  expect(said['tocsin replay start --from 1d --rules draft.yml']).toMatch(/3 matches, 1 alert/);
  expect(said['tocsin rules backtest draft.yml --from 7d']).toMatch(/Many beats that fail.*nothing in force has its id/);
  expect(said['tocsin rules backtest draft.yml --from 7d']).toMatch(/hits {3}3 in both, 0 only in the draft, 0 only live/);
  expect(JSON.parse(said['tocsin rules backtest draft.yml --from 7d --source edr --json'] ?? '')).toMatchObject({
    events: 3,
    rules: [
      { kind: 'detection', live: 'other' },
      { kind: 'correlation', found: { draft: { hits: 3, alerts: 1 } } },
    ],
  });
  const settings = blocks('yaml');
  expect(settings.length).toBe(1);
  for (const [i, text] of settings.entries()) {
    const file = join(program.dataDir, `snippet-${i}.yml`);
    writeFileSync(file, text);
    await program.commandLine('config', 'check', file);
  }
});
