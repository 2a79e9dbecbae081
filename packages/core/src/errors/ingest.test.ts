/** What producers read when all they sent was rejected. */
import { expect, test } from 'vitest';
import { TocsinError } from '../index.ts';

test.each([
  [1, /^The record was rejected, .* send it again\.$/],
  [3, /^All 3 records were rejected, .* send them again\.$/],
])('%d rejected', (records, wording) => {
  expect(new TocsinError('ingest.all_rejected', { records }).message).toMatch(wording);
});
