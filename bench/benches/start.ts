/** `start`: from the command to ready, in a new data folder and again in the same one. Nothing is downloaded or built here. */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { type Bench, quantile } from '../figure.ts';
import { startProduct } from '../product.ts';

const AGAIN = 5;

/** Starting. */
export const start: Bench = {
  about: 'from command to ready',
  async run({ folder, natsServer, progress }) {
    const dataDir = mkdtempSync(join(folder, 'data-'));
    const startMs = async (): Promise<number> => {
      await using product = await startProduct({ dataDir, natsServer });
      return product.readyMs;
    };
    progress('start: first');
    const first = await startMs();
    const again: number[] = [];
    for (let i = 0; i < AGAIN; i++) {
      progress(`start: again, ${i + 1} of ${AGAIN}`);
      again.push(await startMs());
    }
    return [
      { figure: 'start, new data folder', value: first / 1000, unit: 's', conditions: { packages: 'installed and built' } },
      {
        figure: 'start, second',
        value: quantile(again, 0.5) / 1000,
        unit: 's',
        goal: { atMost: 3 },
        conditions: { runs: AGAIN, slowest_s: Number((Math.max(...again) / 1000).toFixed(2)) },
      },
    ];
  },
};
