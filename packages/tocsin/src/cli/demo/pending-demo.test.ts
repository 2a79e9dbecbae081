import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { isDemoOwed, oweDemo, settleDemo } from './pending-demo.ts';

it('a demo is owed from the first start until it was shown', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tocsin-demo-'));
  try {
    expect(await isDemoOwed(folder)).toBe(false);
    await oweDemo(folder);
    await oweDemo(folder);
    expect(await isDemoOwed(folder)).toBe(true);
    await settleDemo(folder);
    await settleDemo(folder);
    expect(await isDemoOwed(folder)).toBe(false);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
