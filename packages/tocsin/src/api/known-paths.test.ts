import { expect, it } from 'vitest';
import { KnownPaths } from './known-paths.ts';

it('tells which methods a path knows', () => {
  const paths = new KnownPaths();
  paths.add('GET', '/api/v1/alerts');
  paths.add(['POST', 'GET'], '/api/v1/alerts/:id');
  expect(paths.methodsOf('/api/v1/alerts')).toEqual(['GET']);
  expect(paths.methodsOf('/api/v1/alerts/4f')).toEqual(['GET', 'POST']);
  for (const path of ['/api/v1/alerts/', '/api/v1/alert', '/api/v1/alerts/4f/x', '', '/']) expect(paths.methodsOf(path)).toEqual([]);
});
