/**
 * The pages of `docs/how-to` about doors, as they stand: every block of shell is run against the running program, and what it prints is held against the
 * block of JSON or text that follows it. Settings that a page names are the program's settings.
 */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { needs } from '../../packages/ingest/test/needs.ts';
import { notRunnable } from '../faults/not-runnable.ts';
import { Program } from './program.ts';

const missing = notRunnable();
const folder = join(import.meta.dirname, '..', '..', 'docs', 'how-to');
const pages = ['splunk-hec', 'elasticsearch-bulk', 'otlp', 'loki', 'cloudevents', 'webhooks', 'sources'];
const SECRETS = { GITHUB_WEBHOOK_SECRET: 'github secret', BILLING_SECRET: 'b', OKTA_SECRET: 'okta secret' };

interface Block {
  readonly kind: string;
  readonly text: string;
}

const blocksOf = (page: string): Block[] =>
  [...readFileSync(join(folder, `${page}.md`), 'utf8').matchAll(/^```([^\n]*)\n(.*?)^```$/gms)].map(([, kind = '', text = '']) => ({
    kind,
    text,
  }));

/** Shell and what it prints, in order. */
const stepsOf = (page: string): [shell: string, want: Block][] => {
  const blocks = blocksOf(page);
  return blocks.flatMap(({ kind, text }, i) => (kind === 'sh' ? [[text, blocks[i + 1] as Block]] : []));
};

describe('how-to', needs(missing), () => {
  let program: Program;
  let token = '';

  beforeAll(async () => {
    const settings = pages.flatMap(blocksOf).filter(({ kind }) => kind === 'yaml tocsin.yml');
    const secretFile = join(process.env['TMPDIR'] ?? '/tmp', `tocsin-okta-${process.pid}.secret`);
    writeFileSync(secretFile, `${SECRETS.OKTA_SECRET}\n`, { mode: 0o600 });
    const text = settings
      .map((block) => block.text)
      .join('')
      .replace('4317', '0')
      .replace('/etc/tocsin/okta.secret', secretFile);
    Object.assign(process.env, SECRETS);
    program = await Program.start({ settings: text });
    token = await program.addSource('edr', 'auto');
    for (const name of ['github', 'okta', 'billing']) await program.addSource(name, 'auto');
  });
  afterAll(() => program?.[Symbol.asyncDispose]());

  test.each(pages)('%s: every command prints what the page says', async (page) => {
    const steps = stepsOf(page);
    expect(steps.length).toBeGreaterThan(1);
    for (const [shell, want] of steps) {
      const script = shell.replaceAll('http://127.0.0.1:7514', program.url);
      const { stdout } = await promisify(execFile)('bash', ['-euc', script], {
        env: { ...process.env, ...SECRETS, TOKEN: token, OPERATOR: program.operator },
      });
      if (want.kind === 'json') expect(JSON.parse(stdout), script).toMatchObject(JSON.parse(want.text) as object);
      else expect(stdout.trim(), script).toBe(want.text.trim());
    }
  });
});
