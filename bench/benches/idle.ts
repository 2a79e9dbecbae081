/** `idle`: memory and processor time of all processes of an installation that nothing is sent to. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Bench } from '../figure.ts';
import { usageOf } from '../processes.ts';
import { start } from './ingest.ts';

const SETTLE_MS = 5000;
const WATCH_MS = 10_000;

/** Doing nothing. */
export const idle: Bench = {
  about: 'memory and processor of an idle installation',
  async run(context) {
    context.progress('idle: settling');
    await using product = await start(context, undefined);
    const atStart = usageOf(product.pid);
    await pause(SETTLE_MS);
    context.progress('idle: watching');
    const before = usageOf(product.pid);
    await pause(WATCH_MS);
    const after = usageOf(product.pid);
    const cpuPercent = ((after.cpuSeconds - before.cpuSeconds) / (WATCH_MS / 1000)) * 100;
    return [
      {
        figure: 'idle, memory after start',
        value: atStart.rssMiB,
        unit: 'MiB',
        goal: { atMost: 220 },
        conditions: { rss_by_program: atStart.byProgram },
      },
      {
        figure: 'idle, memory 15 s later',
        value: after.rssMiB,
        unit: 'MiB',
        goal: { atMost: 220 },
        conditions: { rss_by_program: after.byProgram },
      },
      { figure: 'idle, processor', value: cpuPercent, unit: '% of a core', conditions: { over_seconds: WATCH_MS / 1000 } },
    ];
  },
};
