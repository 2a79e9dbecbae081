/** The product as an end-to-end run measures it: all rules of SigmaHQ and the twenty correlations, durable bus, alert table, all duties in one process. */
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ruleArchive } from '../../packages/detect/test/corpora.ts';
import { root } from '../clone.ts';
import { type Product, startProduct } from '../product.ts';

/** How far the slowest reader of the events is behind. */
export type Behind = { readonly messages: number; readonly ageMs: number };

type Status = {
  readonly rules: { readonly loaded: number; readonly refused: number } | null;
  readonly lag: readonly { readonly stream: string; readonly messages: number; readonly ageMs: number }[] | null;
  readonly events: { readonly stored: number } | null;
  readonly alerts: Readonly<Record<string, number>> | null;
  readonly correlations: { readonly groups: number; readonly late: number; readonly evicted: number } | null;
};

/** Rules of SigmaHQ and the correlations, where the machine has them. @throws with the names of the variables where not */
export function ruleFolders(folder: string): string[] {
  const correlations = join(process.env['TOCSIN_RACE'] ?? join(root, '..', 'shared', 'bench'), 'correlations');
  if (!existsSync(correlations)) throw new Error(`no correlations at ${correlations}; name the folder that holds them in TOCSIN_RACE`);
  const rules = join(folder, 'sigmahq');
  for (const { path, text } of ruleArchive('sigma-rules/sigmahq-rules.tar.gz')) {
    const target = join(rules, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
  }
  cpSync(correlations, join(folder, 'correlations'), { recursive: true });
  return [rules, join(folder, 'correlations')];
}

/** Starts it on a new data folder. */
export function startMeasured(folder: string, natsServer: string | undefined, folders: readonly string[]): Promise<Product> {
  const dataDir = join(folder, 'data');
  mkdirSync(dataDir, { mode: 0o700 });
  const lines = [
    `rules: { shipped: false, folders: ${JSON.stringify(folders)} }`,
    // The run is read back whole at its end.
    'bus: { eventsMaxBytes: 40GiB }',
    'retention: { alertsMaxBytes: 20GiB, matchesMaxBytes: 20GiB }',
    'log: { level: warn }',
  ];
  writeFileSync(join(dataDir, 'tocsin.yml'), `${lines.join('\n')}\n`);
  return startProduct({ dataDir, natsServer });
}

/** What it says of itself. */
export function statusOf(product: Product): Promise<Status> {
  return product.call<Status>('GET', '/status');
}

/** How far whoever is furthest behind is behind. */
export async function behindOf(product: Product): Promise<Behind> {
  const { lag } = await statusOf(product);
  const most = (of: (one: Behind) => number): number => Math.max(0, ...(lag ?? []).map(of));
  return { messages: most(({ messages }) => messages), ageMs: most(({ ageMs }) => ageMs) };
}

/** Resolves with the seconds until everything taken in is judged and its alerts are visible. @throws after ten minutes without that */
export async function settle(product: Product): Promise<number> {
  const begunMs = performance.now();
  while (performance.now() - begunMs < 600_000) {
    const { settled } = await product.call<{ settled: boolean }>('POST', '/settle', { waitMs: 30_000 });
    if (settled) return Math.round((performance.now() - begunMs) / 100) / 10;
  }
  throw new Error('what was taken in was not judged within ten minutes');
}
