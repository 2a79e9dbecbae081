/** The detector that docs/how-to/write-a-detector.md shows: loaded as an installation loads it, and run. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Detector, runDetector } from '@tocsin/detect';
import { afterAll, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'tocsin-how-to-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('finds what the page says, with the code of the page', async () => {
  const page = readFileSync(new URL('../../docs/how-to/write-a-detector.md', import.meta.url), 'utf8');
  const [, code = ''] = /```ts\n(.*?)```/s.exec(page) ?? [];
  expect(code.split('\n').length).toBeLessThan(50);
  const path = join(folder, 'mass-deletion.ts');
  writeFileSync(path, code);
  const { detector } = (await import(path)) as { detector: Detector<object> };
  const deletions = (count: number, user: string): { timeMs: number; fields: Record<string, string> }[] =>
    Array.from({ length: count }, (_, i) => ({ timeMs: i * 1000, fields: { action: 'delete', user, object: `o${i}` } }));
  const { alerts, errors } = runDetector(detector, [...deletions(25, 'anna'), ...deletions(19, 'bert')]);
  expect(errors).toEqual([]);
  expect(alerts).toMatchObject([{ rule: { id: 'detector.mass-deletion' }, groupBy: { user: 'anna' }, count: 6 }]);
});
