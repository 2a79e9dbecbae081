/** Unit tests read the packages' sources; tests with real servers (`*.broker.test.ts`, `tests/`) are a project of their own. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['tocsin-source'] },
  ssr: { resolve: { conditions: ['tocsin-source'] } },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['packages/*/{src,test}/**/*.test.ts', 'scripts/**/*.test.ts', 'bench/**/*.test.ts', 'examples/**/*.test.ts'],
          exclude: ['**/*.broker.test.ts', '**/node_modules/**', '**/dist/**'],
          // Property tests take their time where cores are shared; what hangs is still found.
          testTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'servers',
          include: ['packages/*/{src,test}/**/*.broker.test.ts', 'tests/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
