/** Seeded random numbers, so that a run can be repeated: those of ingest's tests, which may import nothing from here. */
export { createRandom } from '../packages/ingest/test/seeded-random.ts';
