/** Fluentd's own logger for Python against the running program: every record arrives, typed, once. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { needs, unlessFound } from '../../packages/ingest/test/needs.ts';
import { Program } from '../e2e/program.ts';
import { notRunnable } from '../faults/not-runnable.ts';
import { waitFor } from '../faults/wait-for.ts';

const RECORDS = 2000;
const RULE = `title: Failed
id: failed
logsource: { product: linux, service: sshd }
detection: { s: { event_action: failed_password }, condition: s }
level: medium
`;

/** An interpreter that knows `fluent`; undefined where the package cannot be had. */
function pythonWithFluent(): string | undefined {
  const folder = join(tmpdir(), `tocsin-agents-${process.getuid?.() ?? 0}`, 'fluent-logger');
  const python = join(folder, 'bin', 'python3');
  try {
    if (!existsSync(python)) execFileSync('python3', ['-m', 'venv', folder], { stdio: 'ignore', timeout: 60_000 });
    execFileSync(join(folder, 'bin', 'pip'), ['install', '-q', 'fluent-logger==0.11.1'], { stdio: 'ignore', timeout: 60_000 });
    return python;
  } catch {
    return undefined; // no Python, or no way to its packages
  }
}

const missing = notRunnable();
const python = missing === undefined ? pythonWithFluent() : undefined;

describe('forward agents', needs(missing, unlessFound(python, 'needs Python with fluent-logger')), () => {
  const folder = mkdtempSync(join(tmpdir(), 'tocsin-forward-test-'));
  let program: Program;
  beforeAll(async () => {
    const sources = 'sources: { local: { source: apps, peers: [127.0.0.1] } }';
    program = await Program.start({
      settings: `listeners:\n  forward:\n    apps: { port: 0, ${sources} }\n`,
      rules: { 'failed.yml': RULE },
    });
    await program.addSource('apps', 'auto');
  });
  afterAll(async () => {
    await program?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  test('fluent-logger for Python', async () => {
    const listener = async (): Promise<{ address: string; stored: number }> => {
      const { body } = await program.call<{ listeners: { address: string; stored: number }[] }>('GET', '/status');
      return body.listeners[0] ?? { address: '', stored: 0 };
    };
    const script = join(folder, 'send.py');
    const line = 'Mar 27 13:06:56 web1 sshd[7]: Failed password for root from 10.0.0.9 port 4242 ssh2';
    writeFileSync(
      script,
      `import sys
from fluent import sender
log = sender.FluentSender('hosts', host='127.0.0.1', port=int(sys.argv[1]), nanosecond_precision=True)
for n in range(${RECORDS}):
    assert log.emit('auth', {'message': '${line}', 'n': n, 'big': 9007199254740993}), log.last_error
log.close()
`,
    );
    execFileSync(python ?? '', [script, new URL((await listener()).address).port], { timeout: 60_000 });
    await waitFor(async () => (await listener()).stored === RECORDS || undefined, { what: () => `${RECORDS} records`, withinMs: 30_000 });
    await program.settle();
    expect((await program.alerts('?rule=failed')).map((alert) => alert.count)).toEqual([RECORDS]);
  });
});
