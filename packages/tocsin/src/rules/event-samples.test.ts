import { expect, it } from 'vitest';
import { EventSamples } from './event-samples.ts';

it('keeps the first events of each mapping and now and then a newer one', () => {
  const samples = new EventSamples();
  let read = 0;
  for (let n = 0; n < 3000; n++)
    samples.offer('acme', 'json', () => {
      read += 1;
      return { n };
    });
  const kept =
    samples
      .of('acme')
      .get('json')
      ?.map(({ n }) => n) ?? [];
  expect(kept).toHaveLength(32);
  expect(read).toBe(34);
  expect(kept.slice(0, 4)).toEqual([0, 1024, 2048, 3]);
  expect(samples.of('globex').size).toBe(0);
});

it('is bounded, and goes on where an event cannot be read', () => {
  const samples = new EventSamples();
  for (let n = 0; n < 600; n++) samples.offer('acme', `m${n}`, () => (n === 3 ? undefined : { n }));
  expect(samples.of('acme').size).toBe(500);
  expect(samples.of('acme').get('m3')).toEqual([]);
  for (let n = 0; n < 200; n++) samples.offer(`t${n}`, 'json', () => ({ n }));
  expect(samples.of('t199').size).toBe(0);
});
