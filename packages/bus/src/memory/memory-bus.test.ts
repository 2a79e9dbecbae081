/** The contract, run for the memory adapter with several seeds. */
import { test } from 'vitest';
import { runContract } from '../contract/index.ts';
import { openMemoryHarness } from './memory-harness.ts';

for (const seed of [1, 2, 3]) runContract({ name: `memory, seed ${seed}`, seed, test, openHarness: openMemoryHarness });
