/** The contract, run for the NATS adapter against real servers. */
import { test } from 'vitest';
import { serverSearchPath } from '../../test/server-search-path.ts';
import { runContract } from '../contract/index.ts';
import { openNatsHarness } from './nats-harness.ts';

runContract({ name: 'nats', seed: 1, test, openHarness: () => openNatsHarness(serverSearchPath) });
