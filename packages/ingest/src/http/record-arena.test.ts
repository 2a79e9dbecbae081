/** Records written into shared blocks: each holds its own bytes, and no other's. */
import { expect, it } from 'vitest';
import { RecordArena } from './record-arena.ts';

it('keeps every record as it was written, whatever its size', () => {
  const arena = new RecordArena(10);
  const bytes = Buffer.from('0123456789'.repeat(9_000));
  const sizes = [0, 1, 10, 300, 16_000, 20_000, 60_000, 3, 90_000, ...Array.from({ length: 500 }, (_, i) => (i * 37) % 900)];
  const heads = ['{', '{"host":"é€😀",', '', '{"half":"\ud83d",', `{"long":"${'ü'.repeat(9_000)}",`];
  const written = sizes.map((size, i) => {
    const range = { from: i % 5, to: Math.max(i % 5, size) };
    const head = heads[i % heads.length] as string;
    const wanted = Buffer.concat([Buffer.from(head), bytes.subarray(range.from, range.to)]);
    return { wanted, record: i % 2 === 0 ? arena.joinText(head, bytes, range) : arena.join(Buffer.from(head), bytes, range) };
  });
  for (const { wanted, record } of written) expect(Buffer.compare(record, wanted)).toBe(0);
});
