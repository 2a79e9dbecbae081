import { expect, test } from 'vitest';
import { createFollowerPlaces } from './follower-places.ts';

test('a tenant takes as many places as it has, gets each back once, and none of another tenant', () => {
  const places = createFollowerPlaces(2);
  const [first] = [places.take('acme'), places.take('acme')];
  expect(() => places.take('acme')).toThrow('2');
  places.take('globex');
  first();
  first();
  places.take('acme');
  expect(() => places.take('acme')).toThrow(expect.objectContaining({ code: 'api.too_many_followers', retry: 'later' }) as Error);
});
