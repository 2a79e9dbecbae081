import { expect, test } from 'vitest';
import { RecordShapes } from './record-shapes.ts';

test('what follows from names is worked out once per sequence of names, whatever comes between', () => {
  const worked: string[] = [];
  const shapes = new RecordShapes((fields) => {
    const names = Object.keys(fields).join();
    worked.push(names);
    return names;
  });
  for (const value of [1, 2]) {
    expect(shapes.of({ a: value, b: value })).toBe('a,b');
    expect(shapes.of({ b: value, a: value })).toBe('b,a');
    expect(shapes.of({ a: value })).toBe('a');
    expect(shapes.of({ a: value, b: value, c: value })).toBe('a,b,c');
    expect(shapes.of({})).toBe('');
  }
  expect(worked).toEqual(['a,b', 'b,a', 'a', 'a,b,c', '']);
});

test('names that never come again fill no memory, and what is known before is found after', () => {
  let worked = 0;
  const shapes = new RecordShapes((fields) => {
    worked += 1;
    return Object.keys(fields).length;
  });
  const known = { time: 1, host: 'a' };
  expect(shapes.of(known)).toBe(2);
  for (let i = 0; i < 20_000; i++) shapes.of({ [`x${i}`]: i });
  expect(worked).toBe(20_001);
  // Forgotten meanwhile, and so worked out anew: once.
  expect([shapes.of(known), shapes.of(known)]).toEqual([2, 2]);
  expect(worked).toBe(20_002);
});
